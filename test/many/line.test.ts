/** What brokers on one database tell each other, and what only one of them does at a time. */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { channel, heard } from '../../src/store/postgres-news.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { type Beside, besideOn, severalOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { aTask, noon, put } from '../support/store.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
let url: string
let one: Beside
let other: Beside
beforeAll(async () => {
  server = await embeddedServer()
  url = await server.database()
  ;[one, other] = (await severalOn(url, 2)) as [Beside, Beside]
}, serverTakesMs)
afterEach(() => vi.restoreAllMocks())
afterAll(async () => {
  for (const each of [one, other]) await each.store.close().catch(() => undefined)
  await server[Symbol.asyncDispose]()
}, serverTakesMs)

/** A task that waits for approval. */
const waiting = (at: Beside) =>
  at.unit.write(async (tx) => (await put(at, tx, aTask({ status: 'pending_approval' }))).id)

const approve = (at: Beside, task: string) =>
  at.unit.write((tx) => at.tasks.activate(tx, task, noon + 60_000))
const end = (at: Beside, task: string) =>
  at.unit.write((tx) => at.tasks.end(tx, task, 'revoked', 'revoked', noon))

/** One that is approved. */
async function approved(at: Beside): Promise<string> {
  const task = await waiting(at)
  await approve(at, task)
  return task
}

/** Has the server refuse the next question that begins like that. */
function refuseNext(begins: string): void {
  const all = Session.prototype.all
  let isDone = false
  vi.spyOn(Session.prototype, 'all').mockImplementation(function (this: Session, sql, values) {
    if (isDone || !sql.startsWith(begins)) return all.call(this, sql, values)
    isDone = true
    return all.call(this, sql.replace(' as ', ', 1 / 0 as '), values)
  })
}

/** Breaks the lines of both. */
async function cut(): Promise<void> {
  const lines = "query like 'listen%' or query = 'select 1' or query like 'select pg_try_advisory_lock($1%'"
  await besideDatabase(
    url,
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'mayfly'
      and datname = current_database() and (${lines})`,
  )
}

describe('what one has decided', () => {
  it('is told to the others at once, and to itself not at all', async () => {
    const [before, own] = [other.heard.length, one.heard.length]
    const task = await approved(one)
    await until(() => other.heard.length > before)
    expect(other.heard.slice(before)).toEqual([[task]])
    expect(one.heard.slice(own)).toEqual([])
  })

  it('is told whichever way the wait is over, and nothing else is', async () => {
    const before = other.heard.length
    const active = await approved(one)
    await end(one, active)
    await one.unit.write((tx) => put(one, tx, aTask()))
    const failing = await waiting(one)
    await expect(
      one.unit.write(async (tx) => {
        await one.tasks.activate(tx, failing, noon + 60_000)
        throw new Error('not after all')
      }),
    ).rejects.toThrow('not after all')
    const ended = await waiting(one)
    await end(one, ended)
    await until(() => other.heard.length > before + 1)
    expect(other.heard.slice(before)).toEqual([[active], [ended]])
  })

  it('is told to nobody where nobody else is there, and to whoever comes once it was seen', async () => {
    const place = await server.database()
    await using alone = await besideOn(place)
    const listening = new pg.Client({ connectionString: place })
    await listening.connect()
    const said: string[] = []
    listening.on('notification', ({ payload = '' }) => said.push(payload))
    await listening.query(`listen ${channel}`)
    await approved(alone)
    await listening.query('select 1')
    expect(said).toEqual([])
    await using _second = await besideOn(place)
    await alone.beat()
    const task = await approved(alone)
    await until(() => said.length > 0)
    expect(said.map((each) => heard(each).tasks)).toEqual([[task]])
    await listening.end()
  })

  it('is found out within the second by one whose line was cut, which hears again from then on', async () => {
    await cut()
    const before = other.heard.length
    await approved(one)
    expect(other.heard.slice(before)).toEqual([])
    await other.beat().catch(() => other.beat())
    expect(other.heard.at(-1)).toBeUndefined()
    const after = other.heard.length
    const task = await approved(one)
    await until(() => other.heard.length > after)
    expect(other.heard.slice(after)).toEqual([[task]])
  })

  it('is told of any task where somebody else says something on their line', async () => {
    const before = other.heard.length
    await besideDatabase(url, "select pg_notify('mayfly', 'anything')")
    await until(() => other.heard.length > before)
    expect(other.heard.slice(before)).toEqual([undefined])
  })
})

describe('what is exclusive', () => {
  it('is done by one broker after another, whichever asks', async () => {
    let busy = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, (busy += 1))
      await one.unit.read(() => Promise.resolve())
      busy -= 1
    }
    const asked = [one, other, one, other].map(({ store }) => store.beside!.exclusive('key', work))
    await Promise.all(asked)
    expect(most).toBe(1)
  })

  it('under another key does not wait', async () => {
    const { exclusive } = one.store.beside!
    await exclusive('one', () => other.store.beside!.exclusive('other', () => Promise.resolve()))
  })

  it('is not done beside another where a lock for something else is refused', async () => {
    const { exclusive } = one.store.beside!
    let isHeld = false
    const released = Promise.withResolvers<void>()
    const holding = other.store.beside!.exclusive('held', async () => {
      isHeld = true
      await released.promise
      isHeld = false
    })
    await until(async () => isHeld)
    refuseNext('select pg_try_advisory_lock')
    const refused = exclusive('refused', async () => 'done without it')
    const waiting = exclusive('held', async () => isHeld)
    expect(await refused).toBe('done without it')
    released.resolve()
    await holding
    expect(await waiting).toBe(false)
  })

  it('is for another to do where its lock could not be given back', async () => {
    refuseNext('select pg_advisory_unlock')
    const kept = one.store.beside!.exclusive('kept', async () => 'done')
    await expect(kept).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
    // A line that is silent loses its locks after a while anyway; that of a broker that runs is not.
    const held = `select 1 from pg_locks join pg_database on oid = database
      where locktype = 'advisory' and objsubid = 1 and datname = current_database()`
    await until(async () => {
      await one.beat()
      return (await besideDatabase(url, held)).length === 0
    })
    expect(await other.store.beside!.exclusive('kept', async () => 'had')).toBe('had')
    expect(await one.store.beside!.exclusive('kept', async () => 'again')).toBe('again')
  })

  it('is told from what was done while the lock was lost, and another may have had it', async () => {
    const { exclusive } = one.store.beside!
    const doing = exclusive('lost', async () => {
      await cut()
      await other.store.beside!.exclusive('lost', () => Promise.resolve())
    })
    await expect(doing).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
    expect(await exclusive('lost', () => Promise.resolve('done'))).toBe('done')
  })

  it(
    'is done all the same while the database does not answer: an end upstream does not wait for it',
    async () => {
      const own = await embeddedServer()
      onTestFinished(() => own[Symbol.asyncDispose](), serverTakesMs)
      const [store] = (await severalOn(await own.database(), 1)) as [Beside]
      await own.stop()
      expect(await store.store.beside!.exclusive('key', () => Promise.resolve('done'))).toBe('done')
      await store.store.close().catch(() => undefined)
    },
    serverTakesMs,
  )
})
