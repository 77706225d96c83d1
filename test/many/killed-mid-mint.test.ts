/** One of two brokers is killed while upstream mints for it: its client calls again, and notices nothing else. */
import { expect, it } from 'vitest'
import { openTask } from '../../src/index.ts'
import { startProcesses } from '../support/broker-processes.ts'
import { writeWeb } from '../support/broker.ts'
import { mints } from '../support/github.ts'
import { loadBalancer } from '../support/load-balancer.ts'
import { embeddedServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

it(
  'the mint is made again, its credential dies with the task, and the task ends without an error',
  async () => {
    await using server = await embeddedServer()
    const store = await server.database()
    await using brokers = await startProcesses(() => ({ count: 2, store, env: {} }))
    const { sandbox, url } = brokers
    const [first, second] = brokers.brokers
    await using _ = await loadBalancer(url, [first!.port, second!.port])
    const identity = () => brokers.workload()
    const task = await openTask({ url, identity, purpose: 'a test', scope: [writeWeb], ttl: 600 })
    const slow = sandbox.github.faults.add({ kind: 'slow', ms: 60_000, times: 1, on: mints })
    const minted = task.credential()
    await until(() => Promise.resolve(slow.hits === 1))
    first!.signal('SIGKILL')

    const { credential } = await minted
    const use = async () =>
      (
        await fetch(`${sandbox.github.url}/repos/acme/web`, {
          headers: { Authorization: `Bearer ${String(credential['token'])}`, 'User-Agent': 'test' },
        })
      ).status
    expect(await use()).toBe(200)
    const { status, leases } = await task.complete()
    expect(status).toBe('completed')
    expect(await use()).toBe(401)
    // The other is the killed broker's, of which nobody has anything.
    expect(leases.map((lease) => [lease.status, lease.fingerprint !== null])).toEqual([
      ['revoking', false],
      ['revoked', true],
    ])
  },
  serverTakesMs * 3,
)
