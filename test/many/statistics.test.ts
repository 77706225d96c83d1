/** The server's statistics: brokers have them taken, and nobody is taken for an intruder for it. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Beside, severalOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  lastLook,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { aTask, put } from '../support/store.ts'
import { until } from '../support/until.ts'

/** A database with two brokers in which more has changed than the server waits for, as its counters have it. */
async function changed(server: PostgresServer) {
  const url = await server.database()
  const [one, other] = (await severalOn(url, 2)) as [Beside, Beside]
  const counted = async () => {
    await other.unit.write((tx) => put(other, tx, aTask()))
    return Number((await statistics(url, 'tasks'))?.['n_mod_since_analyze']) > 60
  }
  await Promise.all(
    Array.from({ length: 100 }, async () => await one.unit.write((tx) => put(one, tx, aTask()))),
  )
  await until(counted)
  for (const { store } of [one, other]) await store.lookedThrough()
  return {
    url,
    one,
    other,
    async [Symbol.asyncDispose]() {
      for (const { store } of [one, other]) await store.close()
    },
  }
}

async function statistics(url: string, table: string) {
  const [row] = await besideDatabase(url, `select * from pg_stat_user_tables where relname = '${table}'`)
  return row
}

const isKnown = async (url: string, table: string) =>
  (await besideDatabase(url, `select 1 from pg_stats where tablename = '${table}' limit 1`)).length > 0

describe('statistics', () => {
  let server: PostgresServer
  beforeAll(async () => {
    // The server takes those of its own catalogue: that would be somebody else's.
    server = await embeddedServer({ autovacuum: 'off' })
  }, serverTakesMs)
  afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

  it('are taken once a minute where much has changed, and nothing is looked through for it', async () => {
    await using world = await changed(server)
    const { url, one, other } = world
    const before = await lastLook(url)
    await one.beat(59)
    expect(await isKnown(url, 'tasks')).toBe(false)
    // A table a second.
    await one.beat(10)
    expect(await isKnown(url, 'tasks')).toBe(true)
    for (const each of [other, one]) await each.unit.write((tx) => put(each, tx, aTask()))
    expect(await lastLook(url)).toBe(before)

    await one.beat(59)
    expect(await statistics(url, 'tasks')).toMatchObject({ analyze_count: '1' })
  })

  it('are taken though works never cease to come, and the broker goes on saying that it is there', async () => {
    await using world = await changed(server)
    const { url, one } = world
    let isOver = false
    const writing = Array.from({ length: 10 }, async () => {
      while (!isOver) await one.unit.write(async (tx) => void (await one.tasks.get(tx, 'task_none')))
    })
    await one.beat(70)
    isOver = true
    await Promise.all(writing)
    expect(await isKnown(url, 'tasks')).toBe(true)
  })

  it('are taken later of a table that is being vacuumed', async () => {
    await using world = await changed(server)
    const { url, one, other } = world
    const vacuum = new pg.Client({ connectionString: url })
    await vacuum.connect()
    // As VACUUM has it.
    await vacuum.query('begin; lock table tasks in share update exclusive mode')
    const before = await lastLook(url)
    await one.beat(70)
    expect(await isKnown(url, 'tasks')).toBe(false)
    await vacuum.query('rollback')
    await vacuum.end()
    await one.beat(60)
    expect(await isKnown(url, 'tasks')).toBe(true)
    await other.unit.write((tx) => put(other, tx, aTask()))
    expect(await lastLook(url)).toBe(before)
  })
})

describe('a server that tends its tables', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await embeddedServer({ autovacuum_naptime: '1', autovacuum_vacuum_insert_threshold: '20' })
  }, serverTakesMs)
  afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

  it('vacuums them, and leaves statistics to the brokers', async () => {
    await using world = await changed(server)
    await until(async () => Number((await statistics(world.url, 'tasks'))?.['autovacuum_count']) > 0)
    expect(await statistics(world.url, 'tasks')).toMatchObject({ autoanalyze_count: '0' })
  })

  it('is told so of every table', async () => {
    await using world = await changed(server)
    const tables = await besideDatabase(
      world.url,
      `select relname, reloptions, (select reloptions from pg_class t where t.oid = c.reltoastrelid) as toast
       from pg_class c where relnamespace = current_schema()::regnamespace and relkind = 'r'`,
    )
    expect(tables.length).toBeGreaterThan(10)
    for (const { relname, reloptions, toast } of tables) {
      expect([relname, reloptions]).toEqual([
        relname,
        ['autovacuum_analyze_threshold=2147483647', 'vacuum_truncate=false'],
      ])
      expect([relname, toast ?? ['vacuum_truncate=false']]).toEqual([relname, ['vacuum_truncate=false']])
    }
  })
})
