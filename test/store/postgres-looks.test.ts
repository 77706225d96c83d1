/** Looking through a PostgreSQL database that others write too: what fails at first, and what a lost connection hides. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { type PostgresSubject, postgresStore } from '../support/postgres.ts'
import { aTask, events, note, put, verified } from '../support/store.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
beforeAll(async () => {
  // Its writes would pass for somebody else's.
  server = await embeddedServer({ autovacuum: 'off' })
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

const opens = (store: PostgresSubject) => store.unit.write((tx) => put(store, tx, aTask()))
const isUnavailable = (error: unknown) => isBrokerError(error, 'unavailable')

/** A server of whose databases each is for a role that may have so many connections. */
function withRoomFor(connections: number): PostgresServer {
  return {
    ...server,
    async database() {
      const url = await server.database()
      const name = new URL(url).pathname.slice(1)
      await besideDatabase(
        url,
        `create role ${name} login password 'example' connection limit ${connections}; alter database ${name} owner to ${name}`,
      )
      return url.replace('mayfly:', `${name}:`)
    },
  }
}

it('a look that failed is had again, and all is granted from then on though nobody else writes', async () => {
  await using store = await postgresStore(withRoomFor(4))
  await store.lookedThrough()
  const connection = () => connected(store.url).catch(() => undefined)
  const others = [await connected(store.url)]
  const [first] = others
  await first!.query('create table besides (n int); drop table besides')
  await first!.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where query = 'rollback'")
  for (let more = await connection(); more; more = await connection()) others.push(more)
  await store.look()
  await store.lookedThrough()
  expect(store.intrusion().doubts).toEqual(['the store cannot be looked through'])
  await expect(opens(store)).rejects.toSatisfy(isUnavailable)
  await Promise.all(others.map((other) => other.end()))
  await until(async () => {
    await store.look()
    await store.lookedThrough()
    return store.intrusion().doubts.length === 0
  })
  await opens(store)
})

it('another broker that took the database while the connection was lost loses nothing, however often others wrote before', async () => {
  await using store = await postgresStore(server)
  const other = await connected(store.url)
  // More looks than are had at once.
  for (let n = 0; n < 25; n += 1) {
    await other.query('create table besides (n int); drop table besides')
    await store.look()
  }
  await other.query(
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'mayfly' and datname = current_database()",
  )
  await other.end()
  await elsewhere(store.url)
  // Behind what that one put on record, and not in its place.
  await store.unit.write(async (tx) => note(store, tx))
  expect((await events(store)).map(({ type }) => type)).toEqual(['broker.stopped', 'broker.started'])
  expect((await verified(store)).discrepancies).toEqual([])
})

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** As from another machine, where nobody can see that the first still runs: a broker that writes one event. */
async function elsewhere(url: string): Promise<void> {
  const src = `${import.meta.dirname}/../../src`
  const script = `
    import { createSeal } from '${src}/base/seal.ts'
    import { auditTrail } from '${src}/store/audit.ts'
    import { openPostgres } from '${src}/store/postgres.ts'
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const read = fs.readFileSync
    fs.readFileSync = (path, ...rest) => (String(path).startsWith('/proc/') ? '' : read(path, ...rest))
    syncBuiltinESMExports()
    const seal = createSeal([{ id: 'k1', secret: Buffer.alloc(32, 1) }])
    const store = await openPostgres({ url: process.argv[1] }, seal)
    await store.unit.write(async (tx) => auditTrail().record(tx, { at: 0, type: 'broker.stopped', actor: 'broker' }))
    await store.close()`
  const broker = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, url], {
    stdio: 'inherit',
  })
  expect(await once(broker, 'exit')).toEqual([0, null])
}
