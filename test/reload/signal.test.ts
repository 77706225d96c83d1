/** SIGHUP to `serve`: the same as an admin's reload, for whoever has the machine. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMayfly } from '../support/mayfly.ts'
import { startTestBroker, type TestBroker, readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { until } from '../support/until.ts'
import { filesOf } from '../support/broker-files.ts'

/** Its folder and sandbox are used; `serve` takes its place. */
let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
  await broker.stop()
})
afterAll(() => broker[Symbol.asyncDispose]())

test('a policy removed takes its live credentials with it; a fault changes nothing; listen stays, and holds nothing up', async () => {
  const served = startMayfly(['serve', '-c', broker.file])
  await served.printed('"listening"')
  const files = await filesOf(broker, 'policies/acme.cedar')
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)

  await files.write('policies/acme.cedar', 'permit (')
  served.process.kill('SIGHUP')
  await served.printed(/not reloaded.*/)
  expect(await broker.use(minted.credential.token)).toBe(200)

  await files.restore()
  await files.configure((settings) => (settings.listen = '127.0.0.1:1'))
  served.process.kill('SIGHUP')
  await served.printed(/"path":"listen".*cannot change while the broker runs/)
  expect((await broker.read(task)).body.status).toBe('active')

  await files.restore()
  await files.remove('policies/acme.cedar')
  served.process.kill('SIGHUP')
  await until(async () => (await broker.use(minted.credential.token)) === 401)
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  const events = rows(broker, 'audit_events', "type like 'configuration.%' order by seq")
  expect(events.map(({ type, actor }) => ({ type, actor }))).toEqual([
    { type: 'configuration.refused', actor: 'broker' },
    { type: 'configuration.reloaded', actor: 'broker' },
    { type: 'configuration.reloaded', actor: 'broker' },
  ])
  served.process.kill('SIGTERM')
  expect((await served.ended).status).toBe(0)
})
