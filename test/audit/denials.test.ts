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

test('what is tried out in vain, and nothing else of a trial', async () => {
  const before = rows(broker, 'audit_events').length
  expect((await broker.open({ dry_run: true })).body.decision).toBe('allowed')
  expect(rows(broker, 'audit_events')).toHaveLength(before)
  await broker.open({ dry_run: true }, { sub: subjectOf('late-bot') })
  expect(lastDenial()).toMatchObject({ ...lateBot, data: { code: 'agent_expired', dry_run: true } })
  const secrets = { ...writeWeb, permissions: { secrets: 'write' } }
  const { body } = await broker.open({ dry_run: true, authorization_details: [secrets] })
  expect(body.decision).toBe('denied')
  expect(lastDenial()).toMatchObject({
    agent: 'refactor-bot',
    data: { code: 'policy_denied', denials: body.denials, scope: [secrets], dry_run: true },
  })
})

test('a credential of a task that is over', async () => {
  const { body: task } = await broker.open()
  await broker.complete(task)
  const { body } = await broker.mint(task, readWeb)
  expect(body.code).toBe('task_not_active')
  expect(lastDenial()).toMatchObject({ task: task.id, data: { code: 'task_not_active', detail: readWeb } })
})

test('a token that has opened a task before, with whose it is', async () => {
  const token = await broker.workload()
  const body = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }
  await broker.call('POST', '/v1/tasks', { token, body })
  const { body: refused } = await broker.call('POST', '/v1/tasks', { token, body })
  expect(refused.code).toBe('token_replayed')
  const [event] = rows(broker, 'audit_events', `type = 'token.replayed'`)
  expect(event).toMatchObject({
    actor: 'agent:refactor-bot',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    request: refused.request_id,
  })
  expect(JSON.parse(event!.data!)).toEqual({
    issuer: broker.sandbox.issuer.url,
    subject: 'repo:acme/web:ref:refs/heads/main',
  })
})

test('and the record is whole', async () => {
  expect(await discrepancies(broker)).toEqual([])
})
