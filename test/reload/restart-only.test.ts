/** What cannot change while the broker runs is told, and keeps nothing else from changing. */
import { afterEach, expect, test } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { filesOf } from '../support/broker-files.ts'
import { selfSigned } from '../support/certificate.ts'

const broker = await sharedBroker()
const files = await filesOf(broker, 'agents/refactor-bot.yaml')
const ofRestart = (warning: string) => warning.includes('cannot change while')
afterEach(async () => {
  await files.restore()
  expect((await files.reload()).body.warnings.filter(ofRestart)).toEqual([])
})

test.each<[string, (settings: Record<string, unknown>) => unknown]>([
  ['listen', (settings) => (settings['listen'] = '127.0.0.1:1')],
  ['store', (settings) => (settings['store'] = 'sqlite:./other.db')],
  ['tls', (settings) => (settings['tls'] = { cert: './tls.pem', key: './tls.key' })],
])('another %s: told in answer and log, and an agent that is to go is gone', async (key, change) => {
  const { cert, key: privateKey } = selfSigned()
  await files.write('tls.pem', cert)
  await files.write('tls.key', privateKey)
  await files.configure(change)
  await files.remove('agents/refactor-bot.yaml')
  const { status, body } = await files.reload()
  expect({ status, reloaded: body.status }).toEqual({ status: 200, reloaded: 'reloaded' })
  const told = `${key}: cannot change while the broker runs, and is as it was`
  expect(body.warnings.filter(ofRestart)).toEqual([expect.stringContaining(told)])
  expect(broker.log.filter((line) => new RegExp(`"level":"warn".*"path":"${key}"`).test(line))).toHaveLength(
    1,
  )
  expect((await broker.open()).body.code).toBe('unknown_agent')
})
