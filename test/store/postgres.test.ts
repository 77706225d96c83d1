/** What a broker relies on of a PostgreSQL server, and what it does when that is not so. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { Batch } from '../../src/store/postgres-batch.ts'
import { ReadPool } from '../../src/store/postgres-pool.ts'
import { isPostgresFailure, Session } from '../../src/store/postgres-session.ts'
import { openPostgres, openPostgresReadOnly } from '../../src/store/postgres.ts'
import { tasks } from '../../src/store/tasks.ts'
import {
  asRole,
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { type PostgresSubject, postgresStore } from '../support/postgres.ts'
import { aTask, note, put, putLeases, testSeal, verified } from '../support/store.ts'
import { selfSigned } from '../support/certificate.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

const open = (url: string) => openPostgres({ url }, testSeal())

/** What verification finds wrong with the record itself: these tests put rows in the tables that it says nothing of. */
async function brokenLinks(store: PostgresSubject) {
  return (await verified(store)).discrepancies.filter(({ seq }) => seq !== undefined)
}

describe('one broker has a PostgreSQL database', () => {
  it('a second one is refused while the first has it, without the password, and admitted after', async () => {
    await using store = await postgresStore(server)
    const { host, pathname } = new URL(store.url)
    await expect(open(store.url)).rejects.toThrow(
      `another broker is running on postgres://${host}${pathname}`,
    )
    await store.close()
    const second = await open(store.url)
    await second.close()
  })

  it('it is read beside the broker that has it, once one has run on it', async () => {
    const url = await server.database()
    await expect(openPostgresReadOnly({ url }, testSeal())).rejects.toThrow('no broker has run')
    await using store = await postgresStore(server)
    await store.unit.write(async (tx) => note(store, tx))
    const reading = await openPostgresReadOnly({ url: store.url }, testSeal())
    expect(await reading.unit.read((tx) => store.audit.page(tx, 0, 10))).toHaveLength(1)
    await expect(reading.unit.write(async () => undefined)).rejects.toThrow('reading only')
    await reading.close()
  })
})

it('a schema whose name needs quotes holds a store like any other', async () => {
  const url = await asRole(await server.database(), 'Mayfly-Prod')
  const task = aTask()
  const store = await open(url)
  await store.unit.write((tx) => tasks.insert(tx, task, 'hash'))
  await store.close()
  const again = await open(url)
  await again.lookedThrough()
  expect(again.intrusion).toEqual({ doubts: [], damaged: [] })
  expect(await again.unit.read((tx) => tasks.get(tx, task.id))).toEqual(task)
  await again.close()
  const [found] = await besideDatabase(
    url,
    `select to_regclass('"Mayfly-Prod".tasks') is not null as is_there`,
  )
  expect(found).toEqual({ is_there: true })
})

describe('a database is refused', () => {
  it.each([
    ['synchronous_commit off', 'alter database $ set synchronous_commit = off', 'synchronous_commit'],
    [
      'no writes',
      'alter database $ set default_transaction_read_only = on',
      'the database takes no writes: reset `default_transaction_read_only`',
    ],
    ['no schema to put tables in', 'alter database $ set search_path = nowhere', 'no schema'],
  ])('for %s', async (_what, setting, why) => {
    const url = await server.database()
    await besideDatabase(url, setting.replace('$', new URL(url).pathname.slice(1)))
    await expect(open(url)).rejects.toThrow(why)
  })

  it('in another encoding than UTF-8', async () => {
    const url = await server.database()
    await besideDatabase(
      url,
      "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0",
    )
    await expect(open(url.replace(/[^/]+$/, 'latin'))).rejects.toThrow('needs UTF8')
  })

  it(
    'of a server with fsync off',
    async () => {
      await using careless = await embeddedServer({ fsync: 'off' })
      await expect(open(await careless.database())).rejects.toThrow('fsync')
    },
    serverTakesMs,
  )

  it('of a server that offers no TLS where it is demanded, by a `ca` or by the address', async () => {
    const url = await server.database()
    const { cert: ca } = selfSigned()
    await expect(openPostgres({ url, ca }, testSeal())).rejects.toThrow('does not support SSL')
    await expect(open(`${url}?sslmode=require`)).rejects.toThrow('does not support SSL')
  })

  it('that nobody serves, with what the driver says and without the password', async () => {
    await expect(open('postgres://mayfly:example@127.0.0.1:1/mayfly')).rejects.toThrow(
      /^postgres:\/\/127\.0\.0\.1:1\/mayfly cannot be used: .*ECONNREFUSED/,
    )
  })
})

describe('a lost connection', () => {
  it('fails what is under way with `unavailable`, and the next works are done on another', async () => {
    await using store = await postgresStore(server)
    const task = aTask()
    await store.unit.write((tx) => put(store, tx, task))
    // Waits for the end of each: told to end, one may still answer what is asked next.
    const cut = () =>
      besideDatabase(
        store.url,
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'mayfly' and datname = current_database()",
      )
    const writing = store.unit.write(async (tx) => {
      await put(store, tx, aTask())
      await cut()
      await put(store, tx, aTask())
    })
    await expect(writing).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
    const reading = store.unit.read(async (tx) => {
      await store.tasks.get(tx, task.id)
      await cut()
      return await store.leases.find(tx, { task: task.id })
    })
    await expect(reading).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
    // Idle ones were cut too: whoever comes next must not notice.
    await cut()
    expect(await store.unit.read((tx) => store.tasks.get(tx, task.id))).toEqual(task)
    await store.unit.write((tx) => put(store, tx, aTask()))
    expect(store.intrusion()).toEqual({ doubts: [], damaged: [] })
    expect(await brokenLinks(store)).toEqual([])
  })

  it(
    'a server that is restarted is used again, and all that was promised is there',
    async () => {
      await using own = await embeddedServer()
      await using store = await postgresStore(own)
      const kept: string[] = []
      let asked = true
      const busy = async () => {
        while (asked) {
          const task = aTask()
          await store.unit
            .write(async (tx) => {
              await put(store, tx, task)
              note(store, tx, { about: task.id })
            })
            .then(
              () => kept.push(task.id),
              (error: unknown) => expect(isBrokerError(error, 'unavailable')).toBe(true),
            )
        }
      }
      const working = [busy(), busy(), busy()]
      await until(() => kept.length > 20)
      await own.stop()
      await own.start()
      const before = kept.length
      await until(() => kept.length > before + 20)
      asked = false
      await Promise.all(working)
      const there = await store.unit.read((tx) => Promise.all(kept.map((id) => store.tasks.get(tx, id))))
      expect(there.every((task) => task !== undefined)).toBe(true)
      expect(await brokenLinks(store)).toEqual([])
    },
    serverTakesMs,
  )
})

describe('connections that read', () => {
  const count =
    "select count(*)::int as n from pg_stat_activity where application_name = 'mayfly' and datname = current_database()"
  const open = async (url: string) => (await besideDatabase(url, count))[0]!['n']

  it('are kept for the next one, who hears nothing of what failed before', async () => {
    const url = await server.database()
    const pool = new ReadPool({ url }, 1)
    const first = await pool.begin()
    first.send('select 1/0')
    pool.end(first)
    const second = await pool.begin()
    expect(second).toBe(first)
    await second.settled()
    pool.end(second)
    await pool.close()
  })

  it('are closed where they are not kept: broken ones, and those that are given back to a pool that was closed', async () => {
    const url = await server.database()
    const pool = new ReadPool({ url }, 3)
    const [broken, late] = [await pool.begin(), await pool.begin()]
    vi.spyOn(broken, 'isBroken', 'get').mockReturnValue(true)
    pool.end(broken)
    await until(async () => (await open(url)) === 1)
    await pool.close()
    pool.end(late)
    await until(async () => (await open(url)) === 0)
  })

  it('are closed where nothing can be read from them, or their transaction cannot be undone', async () => {
    const url = await server.database()
    const pool = new ReadPool({ url }, 1)
    const session = await pool.begin()
    const asked = vi.spyOn(Batch.prototype, 'add').mockRejectedValueOnce(new Error('no'))
    const script = vi.spyOn(Session.prototype, 'script').mockRejectedValueOnce(new Error('no'))
    pool.end(session)
    await expect(pool.begin()).rejects.toSatisfy(isPostgresFailure)
    expect(asked.mock.calls[0]?.[0].sql).toBe('rollback')
    expect(script).toHaveBeenCalledOnce()
    await until(async () => (await open(url)) === 0)
    pool.end(await pool.begin())
    await pool.close()
  })
})

describe('whoever writes the database beside the broker', () => {
  it.each([
    ['deletes a used token', 'delete from used_tokens'],
    [
      'adds a trigger',
      'create trigger t before update on tasks for each row execute function suppress_redundant_updates_trigger()',
    ],
    ['adds a rule', 'create rule r as on delete to fences do instead nothing'],
    ['drops an index', 'drop index leases_due'],
    [
      'alters the function that reads JSON',
      "create or replace function mayfly_json(text) returns jsonb language sql immutable as 'select null::jsonb'",
    ],
    ['puts the head back', 'update audit_head set commits = commits - 1'],
    ['deletes the newest event', 'delete from audit_events where seq = (select max(seq) from audit_events)'],
  ])('and %s is noticed by the next work, which is granted nothing', async (_what, sql) => {
    await using store = await postgresStore(server)
    await store.unit.write(async (tx) => {
      await store.usedTokens.use(tx, 'token', 1)
      note(store, tx)
    })
    await besideDatabase(store.url, sql)
    const granting = store.unit.write((tx) => put(store, tx, aTask()))
    await expect(granting).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
    expect(store.intrusion().doubts).not.toEqual([])
  })

  it('and changes a row where it stands makes that row damaged, and no other', async () => {
    await using store = await postgresStore(server)
    const [lease] = await putLeases(store, {}, {})
    await besideDatabase(store.url, `update leases set deadline = deadline + 1 where id = '${lease!.id}'`)
    await store.unit.write((tx) => put(store, tx, aTask()))
    await store.lookedThrough()
    expect(store.intrusion()).toEqual({ doubts: [], damaged: [{ table: 'leases', row: lease!.id }] })
  })

  it('and is not done yet is noticed once they commit, however much the broker writes meanwhile', async () => {
    await using store = await postgresStore(server)
    await store.unit.write(async (tx) => void (await store.usedTokens.use(tx, 'token', 1)))
    const written = Promise.withResolvers<void>()
    const deleting = besideDatabase(store.url, 'begin; delete from used_tokens; select pg_sleep(1); commit')
    void deleting.then(() => written.resolve())
    for (let n = 0; n < 10; n += 1) await store.unit.write((tx) => put(store, tx, aTask()))
    await written.promise
    await expect(store.unit.write((tx) => put(store, tx, aTask()))).rejects.toSatisfy((error) =>
      isBrokerError(error, 'unavailable'),
    )
  })

  it('is nobody where only the broker has written: nothing is looked through again', async () => {
    await using store = await postgresStore(server)
    await store.lookedThrough()
    const sessions = () =>
      besideDatabase(
        store.url,
        "select max(query_start)::text as at from pg_stat_activity where application_name = 'mayfly' and query like 'begin isolation%'",
      )
    const [before] = await sessions()
    for (let n = 0; n < 5; n += 1) {
      await store.unit.write((tx) => put(store, tx, aTask()))
      await store.unit
        .write(async (tx) => {
          await put(store, tx, aTask())
          throw new Error('given up')
        })
        .catch(() => undefined)
    }
    expect(await sessions()).toEqual([before])
  })
})
