/** A broker whose certificate comes from a CA of one's own, as `mayfly run --ca` hands it down. */
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { BrokerUnreachable, currentTask, NotConfigured, openTask } from '../../src/index.ts'
import { selfSigned } from '../support/certificate.ts'
import { filesOf } from '../support/broker-files.ts'
import { readWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const { cert, key } = selfSigned()
const broker = await sharedBroker({ files: { 'tls.pem': cert, 'tls.key': key } })
const url = broker.url.replace('http:', 'https:')
const files = await filesOf(broker, 'tls.pem', 'tls.key')
await files.configure((settings) => {
  settings.url = url
  settings.tls = { cert: './tls.pem', key: './tls.key' }
})
await broker.stop()
await broker.start()
afterEach(() => vi.unstubAllEnvs())

const given = { url, identity: () => broker.workload({ aud: url }), purpose: 'a test', scope: [readWeb] }

test('MAYFLY_CA is trusted for it, in a task of one’s own and in the one that is handed down', async () => {
  vi.stubEnv('MAYFLY_CA', join(broker.directory, 'tls.pem'))
  await using task = await openTask(given)
  for (const [name, value] of Object.entries({ ...task.environment, MAYFLY_URL: url }))
    vi.stubEnv(name, value)
  expect((await currentTask()!.credential()).lease.status).toBe('active')
})

test('without it the broker is not spoken to, and a file that is not there is said', async () => {
  vi.stubEnv('MAYFLY_CA', undefined)
  await expect(openTask(given)).rejects.toBeInstanceOf(BrokerUnreachable)
  vi.stubEnv('MAYFLY_CA', join(broker.directory, 'no.pem'))
  await expect(openTask(given)).rejects.toBeInstanceOf(NotConfigured)
})
