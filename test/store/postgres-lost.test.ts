/** What becomes of works whose connection is lost before they are committed: they are done on another, once. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { Session } from '../../src/store/postgres-session.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { postgresStore } from '../support/postgres.ts'
import { aTask, events, note, put } from '../support/store.ts'
import { still } from '../support/still.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

/** As a server does with a broker that stands still in its turn, or one that fails over. */
const endsWhoeverWrites = `select pg_terminate_backend(pid, 5000) from pg_stat_activity
  where application_name = 'mayfly' and datname = current_database() and state = 'idle in transaction'
    and query not like '%read only%'`

it('those that shared the commit are done anew on another connection, and nothing of them twice', async () => {
  using _still = still()
  await using store = await postgresStore(server)
  await store.lookedThrough()
  const runs: string[] = []
  const work = (name: string, before?: () => Promise<unknown>) =>
    store.unit.write(async (tx) => {
      runs.push(name)
      note(store, tx)
      const task = await put(store, tx, aTask())
      if (runs.length === 2) await before?.()
      return task.id
    })
  const ids = await Promise.all([
    work('first'),
    work('second', () => besideDatabase(store.url, endsWhoeverWrites)),
    work('third'),
  ])
  expect(runs).toEqual(['first', 'second', 'third', 'first', 'second', 'third'])
  expect(await events(store)).toHaveLength(3)
  const kept = await besideDatabase(store.url, 'select id from tasks')
  expect(kept.map(({ id }) => String(id)).toSorted()).toEqual(ids.toSorted())
  await store.look()
  await store.lookedThrough()
  expect(store.intrusion()).toEqual({ doubts: [], damaged: [] })
})

it('one that loses it each time is refused, and the next is done', async () => {
  await using store = await postgresStore(server)
  let runs = 0
  const losing = store.unit.write(async (tx) => {
    runs += 1
    await besideDatabase(store.url, endsWhoeverWrites)
    await put(store, tx, aTask())
  })
  await expect(losing).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
  expect(runs).toBe(2)
  await store.unit.write((tx) => put(store, tx, aTask()))
  expect(await besideDatabase(store.url, 'select id from tasks')).toHaveLength(1)
})

it('a connection of which the server says that it closes it is not asked again', async () => {
  const session = await Session.open({ url: await server.database() })
  await expect(session.script('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow('has failed')
  expect(session.isBroken).toBe(true)
  await session.close()
})
