/** Every no to a known agent is on record, with what was asked and why not. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { discrepancies } from '../support/audit.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const clock = manualClock(Date.parse('2026-11-02T12:00:00Z'))
const broker = await sharedBroker({
  clock,
  files: { ...agentFiles('late-bot', { review_by: '2026-11-01' }), ...agentFiles('odd-bot') },
})

function lastDenial() {
  const [event] = rows(broker, 'audit_events', `type = 'request.denied' order by seq desc limit 1`)
  const { actor, agent, owner, task } = event!
  return { actor, agent, owner, task, data: JSON.parse(event!.data!) }
}

const lateBot = { actor: 'agent:late-bot', agent: 'late-bot', owner: 'tools@acme.dev' }

test('what policy does not allow, by policy, action and resource', async () => {
  const outside = { ...readWeb, repositories: ['acme/web'], permissions: { administration: 'write' } }
  const { body } = await broker.open({ authorization_details: [outside] })
  expect(body.code).toBe('policy_denied')
  expect(lastDenial()).toMatchObject({ agent: 'refactor-bot', data: { denials: body.denials } })
})

test('a task asked for after the review date', async () => {
  const { body } = await broker.open({ purpose: 'work on' }, { sub: subjectOf('late-bot') })
  expect(body.code).toBe('agent_expired')
  expect(lastDenial()).toMatchObject({
    ...lateBot,
    task: null,
    data: { code: 'agent_expired', reason: body.detail, purpose: 'work on' },
  })
})

test('a credential outside of the task', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const { body } = await broker.mint(task, writeWeb)
  expect(body.code).toBe('out_of_scope')
  expect(lastDenial()).toMatchObject({
    agent: 'refactor-bot',
    task: task.id,
    data: { code: 'out_of_scope', reason: body.detail, detail: writeWeb },
  })
})

test('a task of an agent that is suspended', async () => {
  const token = await broker.admin()
  const suspend = { token, body: { reason: 'odd' } }
  expect((await broker.call('POST', '/v1/admin/agents/odd-bot/suspend', suspend)).status).toBe(200)
  const { body } = await broker.open({}, { sub: subjectOf('odd-bot') })
  expect(body.code).toBe('agent_suspended')
  expect(lastDenial()).toMatchObject({ agent: 'odd-bot', data: { code: 'agent_suspended' } })
})

test('a question that is asked as a trial leaves no trace', async () => {
  const count = () => rows(broker, 'audit_events', `type = 'request.denied'`).length
  const before = count()
  await broker.open({ dry_run: true }, { sub: subjectOf('late-bot') })
  expect(count()).toBe(before)
  expect(await discrepancies(broker)).toEqual([])
})
