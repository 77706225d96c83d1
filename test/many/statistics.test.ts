/** The server's statistics: brokers have them taken, and nobody is taken for an intruder for it. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { Line } from '../../src/store/postgres-line.ts'
import { type Beside, severalOn } from '../support/beside.ts'
import {
  asRole,
  besideDatabase,
  embeddedServer,
  lastLook,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { aTask, put } from '../support/store.ts'
import { until } from '../support/until.ts'

/** A database with two brokers in which more has changed than the server waits for, as its counters have it. */
async function changed(server: PostgresServer, role?: string) {
  const database = await server.database()
  const url = role === undefined ? database : await asRole(database, role)
  const [one, other] = (await severalOn(url, 2)) as [Beside, Beside]
  const counted = async () => {
    for (const each of [one, other]) await each.unit.write((tx) => put(each, tx, aTask()))
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
    const beats = async () =>
      Number((await besideDatabase(url, 'select max(beats) as n from brokers'))[0]!['n'])
    const before = await beats()
    let isOver = false
    const writing = Array.from({ length: 10 }, async () => {
      while (!isOver) await one.unit.write(async (tx) => void (await one.tasks.get(tx, 'task_none')))
    })
    try {
      await one.beat(70)
    } finally {
      isOver = true
    }
    await Promise.all(writing)
    expect(await isKnown(url, 'tasks')).toBe(true)
    expect(await beats()).toBe(before + 35)
  })

  it('are taken by whichever broker comes to it first', async () => {
    await using world = await changed(server)
    const { url, one, other } = world
    await Promise.all([one.beat(70), other.beat(70)])
    expect(await statistics(url, 'tasks')).toMatchObject({ analyze_count: '1' })
  })

  it('are taken in a schema whose name needs quotes too', async () => {
    await using world = await changed(server, 'Mayfly-Prod')
    const { url, one } = world
    await one.beat(70)
    expect(await isKnown(url, 'tasks')).toBe(true)
  })

  it('do not hide who has written before them', async () => {
    await using world = await changed(server)
    const { url, one, other } = world
    await one.unit.write(async (tx) => void (await one.usedTokens.use(tx, 'token', 1)))
    await one.beat(59)
    // Behind what the broker writes to say that it is there.
    vi.spyOn(Line.prototype, 'keep').mockImplementationOnce(async () => {
      await besideDatabase(url, 'delete from used_tokens; update audit_head set commits = commits - 1')
    })
    await one.beat(1)
    await expect(other.unit.write((tx) => put(other, tx, aTask()))).rejects.toSatisfy((error) =>
      isBrokerError(error, 'unavailable'),
    )
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
      `select relname, reloptions, reltoastrelid <> 0 as has_toast,
         (select reloptions from pg_class t where t.oid = c.reltoastrelid) as toast
       from pg_class c where relnamespace = current_schema()::regnamespace and relkind = 'r' and relname not like 'kysely%'`,
    )
    expect(tables.length).toBeGreaterThan(10)
    for (const { relname, reloptions, has_toast: hasToast, toast } of tables) {
      expect([relname, reloptions]).toEqual([
        relname,
        ['autovacuum_analyze_threshold=2147483647', 'vacuum_truncate=false'],
      ])
      if (hasToast) expect([relname, toast]).toEqual([relname, ['vacuum_truncate=false']])
    }
  })
})
