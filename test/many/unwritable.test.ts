/** A database that takes no writes for a while: brokers on it are not ready, and are again as soon as it does. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { type Brokers, startBrokers } from '../support/brokers.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
let url: string
let brokers: Brokers
beforeAll(async () => {
  server = await embeddedServer()
  url = await server.database()
  brokers = await startBrokers({ count: 2, store: url })
}, serverTakesMs)
afterAll(async () => {
  await brokers?.[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}, serverTakesMs)

const statuses = async () =>
  (await Promise.all(brokers.instances.map((each) => each.call('GET', '/readyz')))).map(
    ({ status }) => status,
  )
const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
const endsAll =
  "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'mayfly'"

it.each([
  ['default_transaction_read_only', 'on'],
  ['synchronous_commit', 'off'],
])('while the database has %s %s', async (setting, value) => {
  const alter = (what: string) =>
    // From a database that takes writes, whatever this one does.
    besideDatabase(
      url.replace(/[^/]+$/, 'postgres'),
      `alter database ${new URL(url).pathname.slice(1)} ${what}`,
    )
  await until(async () => (await statuses()).join() === '200,200')
  await alter(`set ${setting} = ${value}`)
  await besideDatabase(url, endsAll)
  await until(async () => (await statuses()).join() === '503,503')
  for (const each of brokers.instances)
    expect(await each.call('POST', '/v1/tasks', { token: await brokers.workload(), body })).toMatchObject({
      status: 503,
      body: { code: 'unavailable' },
    })
  await alter(`reset ${setting}`)
  await until(async () => (await statuses()).join() === '200,200')
  for (const each of brokers.instances)
    expect(await each.call('POST', '/v1/tasks', { token: await brokers.workload(), body })).toMatchObject({
      status: 201,
    })
})

it.each([
  [
    'the server is made to take none',
    'alter system set default_transaction_read_only = on; select pg_reload_conf()',
    'alter system reset default_transaction_read_only; select pg_reload_conf()',
  ],
  [
    'the head is under a key that none of them has',
    "update audit_head set key = 'k9'",
    "update audit_head set key = 'k1'",
  ],
])('while %s, whose connections stand', async (_what, stop, go) => {
  await until(async () => (await statuses()).join() === '200,200')
  // One by one: several at once are a transaction, in which the server is not altered.
  const tell = async (sql: string) => {
    for (const each of sql.split('; ')) await besideDatabase(url, each)
  }
  await tell(stop)
  await until(async () => (await statuses()).join() === '503,503')
  await tell(go)
  await until(async () => (await statuses()).join() === '200,200')
})
