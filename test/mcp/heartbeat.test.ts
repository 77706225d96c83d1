/** What was opened for an agent that has to be heard from stays while the server is there. */
import { expect, it } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import { connectTo, sessionAt } from './in-process.ts'

const broker = await sharedBroker({ files: agentFiles('heard-bot', { heartbeat: '1s' }) })

it('the server beats for it', async () => {
  const session = sessionAt(broker, { claims: { sub: subjectOf('heard-bot') } })
  const { call } = await connectTo(session, '2026-07-28')
  const asked = { authorization_details: ['github:acme/web:contents=read'], purpose: 'a test' }
  const { value } = await call('request_access', asked)
  const beats = () =>
    broker.log.filter((line) => line.includes('/heartbeat') && line.includes(value.task.id)).length
  await until(() => beats() >= 4, 10_000)
  expect((await call('status', { access: value.task.id })).value.task).toMatchObject({ status: 'active' })
})
