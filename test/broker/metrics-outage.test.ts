/** What `/metrics` tells while the store is away: all that needs no store, and of the rest that it is away. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMetrics } from '../../src/broker/metrics.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { beside } from '../support/database.ts'
import { manualClock } from '../support/clock.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

/** What only the store knows. */
const stored = [
  'mayfly_broker_configurations',
  'mayfly_brokers',
  'mayfly_fences',
  'mayfly_leases',
  'mayfly_open_tasks',
  'mayfly_pending_approvals',
]

/** The names of the metrics that have a value, without those of a histogram's parts. */
function named(text: string): Set<string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Set(lines.map((line) => line.split(/[{ ]/, 1)[0]!))
}

async function scraped(broker: TestBroker) {
  const { status, body } = await broker.call('GET', '/metrics')
  const text = body as string
  return { status, names: named(text), isUp: /^mayfly_store_up (\d)$/m.exec(text)?.[1] }
}

const engines: [
  string,
  () => Promise<{ broker: TestBroker; away(): Promise<void>; back(): Promise<void> }>,
][] = [
  [
    'PostgreSQL',
    async () => ({
      broker: await startTestBroker({ settings: { store: await server.database() } }),
      away: () => server.stop(),
      back: () => server.start(),
    }),
  ],
  [
    'SQLite',
    async () => {
      const broker = await startTestBroker()
      const rename = async (from: string, to: string) =>
        beside(broker, (db) => db.exec(`alter table ${from} rename to ${to}`))
      return { broker, away: () => rename('fences', 'elsewhere'), back: () => rename('elsewhere', 'fences') }
    },
  ],
]

test.each(engines)(
  'on %s, what only the store knows is absent until it is back',
  async (_engine, start) => {
    const { broker, away, back } = await start()
    await using _broker = broker
    await broker.complete((await broker.open()).body)
    const { body: task } = await broker.open()
    await broker.mint(task)
    const before = await scraped(broker)
    expect(before).toMatchObject({ status: 200, isUp: '1' })
    expect([...before.names]).toEqual(expect.arrayContaining(stored))

    await away()
    const during = await scraped(broker)
    expect(during).toMatchObject({ status: 200, isUp: '0' })
    expect([...before.names].filter((name) => !during.names.has(name)).toSorted()).toEqual(stored)
    expect((await broker.call('GET', '/healthz')).status).toBe(200)

    await back()
    await until(async () => (await scraped(broker)).isUp === '1')
    expect([...(await scraped(broker)).names]).toEqual(expect.arrayContaining(stored))
  },
  serverTakesMs,
)

test('a store that hangs holds the answer up for two seconds, and is asked once', async () => {
  const clock = manualClock()
  let asked = 0
  const metrics = createMetrics()
  metrics.watch({
    stored() {
      asked += 1
      return new Promise(() => undefined)
    },
    queues: () => [{ provider: 'github', connection: 'acme', revocations: 0, looks: 0, limit: 32 }],
    intrusion: () => ({ doubts: [], damaged: [] }),
    notices: () => [],
    brokers: () => ({ brokers: 2, configurations: 1 }),
    clock,
  })
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const text = metrics.registry.metrics()
    await clock.advance(2_000)
    const names = named(await text)
    expect(await text).toContain('mayfly_store_up 0\n')
    expect(names).toContain('mayfly_queue_length')
    expect(stored.filter((name) => names.has(name))).toEqual([])
  }
  expect(asked).toBe(1)
})
