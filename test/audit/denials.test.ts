/** Every no to a known agent is on record, with what was asked and why not. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { discrepancies } from '../support/audit.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

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

test('what cannot be, of an agent or an admin that is known: by the id that its caller was given', async () => {
  const token = await broker.admin()
  const key = { headers: { 'Idempotency-Key': 'one' } }
  const workload = await broker.workload()
  const asked = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
  await broker.call('POST', '/v1/tasks', { token: workload, body: asked, ...key })
  const { body: task } = await broker.open()
  const refusals = [
    await broker.open({ ttl: 100_000 }),
    await broker.open({ authorization_details: [{ type: 'gitlab' }] }),
    await broker.call('POST', '/v1/tasks', { token: workload, body: { ...asked, ttl: 601 }, ...key }),
    await broker.mint(task, { type: 'gitlab' }),
    await broker.call('POST', `/v1/tasks/${task.id}/leases/lease_x/revoke`, { token: task.task_token }),
    await broker.revoke({ task: 'task_x' }),
    await broker.call('POST', '/v1/admin/approvals/appr_x/deny', { token, body: { digest: 'x' } }),
  ]
  const codes = refusals.map(({ body }) => body.code)
  expect(codes).toEqual([
    'invalid_request',
    'invalid_request',
    'conflict',
    'invalid_request',
    'not_found',
    'not_found',
    'not_found',
  ])
  for (const { body } of refusals) {
    const { body: found } = await broker.call('GET', `/v1/admin/audit?request_id=${body.request_id}`, {
      token,
    })
    expect(found.items).toMatchObject([
      { type: 'request.denied', data: { code: body.code, reason: body.detail } },
    ])
  }
  const [ofTask] = rows(broker, 'audit_events', `request = '${refusals[4]!.body.request_id}'`)
  expect(ofTask).toMatchObject({ agent: 'refactor-bot', owner: 'linus@acme.dev', task: task.id })
  const [ofAdmin] = rows(broker, 'audit_events', `request = '${refusals[5]!.body.request_id}'`)
  expect(ofAdmin).toMatchObject({ actor: 'admin:sandbox:ada', agent: null })
})

test('a stranger is counted, and found by the request in the sum of its minute', async () => {
  const { body } = await broker.call('GET', '/v1/tasks/x', { token: 'x' })
  await clock.advance(60_000)
  const items = async () =>
    (
      await broker.call('GET', `/v1/admin/audit?request_id=${body.request_id}`, {
        token: await broker.admin(),
      })
    ).body.items
  await until(async () => (await items()).length > 0)
  expect(await items()).toMatchObject([
    { type: 'authentication.failures', data: { counts: { invalid_token: expect.any(Number) } } },
  ])
})

test('and the record is whole', async () => {
  expect(await discrepancies(broker)).toEqual([])
})
