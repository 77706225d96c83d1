/** While a broker looks through what somebody else may have written, it is waited for, as whoever asks for a task does. */
import pg from 'pg'
import { expect, it } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { startBrokers } from '../support/brokers.ts'
import { besideDatabase, embeddedServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

it(
  'readiness and a task to open wait for the look, and are not refused',
  async () => {
    await using server = await embeddedServer({ autovacuum: 'off' })
    const url = await server.database()
    await using brokers = await startBrokers({ count: 1, store: url })
    const [one] = brokers.instances
    await until(async () => (await one!.call('GET', '/readyz')).status === 200)
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    // Its number is somebody else's, and the lock holds up the look that follows.
    await other.query('begin; lock table delegations in access exclusive mode')
    const held = "select from pg_locks where relation = 'delegations'::regclass and not granted"
    await until(async () => (await besideDatabase(url, held)).length > 0)
    // Two seconds long a commit waits for it; then it goes on without.
    const ends =
      'select from pg_stat_activity where application_name = $$mayfly$$ and state = $$idle in transaction$$'
    await until(async () => (await besideDatabase(url, ends)).length === 0)
    const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
    const ready = one!.call('GET', '/readyz')
    const opened = one!.call('POST', '/v1/tasks', { token: await brokers.workload(), body })
    for (let more = 0; more < 20; more += 1) expect((await one!.call('GET', '/healthz')).status).toBe(200)
    await other.query('rollback')
    await other.end()
    expect([(await ready).status, (await opened).status]).toEqual([200, 201])
  },
  serverTakesMs,
)
