/** Each call needs the right that it names, and nothing else gives it. */
import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const rights = ['read', 'approve', 'revoke', 'suspend'] as const
type Right = (typeof rights)[number]

const broker = await describedBroker({
  settings: {
    admins: rights.map((right) => ({
      name: right,
      issuer: 'sandbox',
      audience: 'console',
      claims: { groups: right },
      may: [right],
    })),
  },
  files: {
    'policies/acme.cedar': '@id("all") permit (principal, action, resource);',
  },
})

const reason = { reason: 'a test' }
const digest = { digest: '0'.repeat(64) }
/** What a call answers to who has the right: there is nothing there, or it is done. */
const calls: [Right, string, string, object | undefined, number][] = [
  ['read', 'GET', 'agents', undefined, 200],
  ['read', 'GET', 'tasks', undefined, 200],
  ['read', 'GET', 'leases', undefined, 200],
  ['read', 'GET', 'approvals', undefined, 200],
  ['read', 'GET', 'audit', undefined, 200],
  ['read', 'GET', 'fences', undefined, 200],
  ['revoke', 'POST', 'revocations', { selector: { agent: 'refactor-bot' }, ...reason }, 200],
  ['suspend', 'POST', 'fences', { selector: { agent: 'nobody' }, ...reason }, 404],
  ['suspend', 'DELETE', 'fences/fence_x', undefined, 404],
  ['approve', 'POST', 'approvals/appr_x/approve', digest, 404],
  ['approve', 'POST', 'approvals/appr_x/deny', digest, 404],
  ['suspend', 'POST', 'agents/nobody/suspend', reason, 404],
  ['suspend', 'POST', 'agents/nobody/resume', reason, 404],
  ['suspend', 'POST', 'reload', undefined, 200],
]

const admin = (groups: string[]) => broker.admin({ aud: 'console', groups })

test.each(calls)('%s lets, and alone lets, %s %s', async (right, method, path, body, status) => {
  const call = (token: string) => broker.call(method, `/v1/admin/${path}`, { token, ...(body && { body }) })
  expect((await call(await admin([right]))).status).toBe(status)
  const others = rights.filter((other) => other !== right)
  expectRefusal(await call(await admin(others)), 403, 'forbidden')
  expectRefusal(await call(await admin([])), 403, 'forbidden')
  expect((await call(await admin([...rights]))).status).toBe(status)
})

test.each(calls)('a workload that claims to be in every group may not (%s) %s %s', async (...call) => {
  const [, method, path, body] = call
  for (const aud of [broker.url, 'console']) {
    const token = await broker.workload({ aud, groups: rights })
    const answer = await broker.call(method, `/v1/admin/${path}`, { token, ...(body && { body }) })
    expectRefusal(answer, 403, 'forbidden')
  }
})

test.each(calls)('nobody without a token of an issuer may (%s) %s %s', async (...call) => {
  const [, method, path, body] = call
  const { body: task } = await broker.open()
  for (const token of [undefined, '', 'x', task.task_token, await broker.admin({ exp: 1 })]) {
    const options = { ...(token !== undefined && { token }), ...(body && { body }) }
    expectRefusal(await broker.call(method, `/v1/admin/${path}`, options), 401, 'invalid_token')
  }
})

test('a token for the workloads of the same issuer is none for its admins', async () => {
  const token = await broker.admin({ aud: broker.url, groups: rights })
  expectRefusal(await broker.call('GET', '/v1/admin/tasks', { token }), 403, 'forbidden')
})

test('a token that names another audience besides is refused', async () => {
  const token = await broker.admin({ aud: ['console', 'https://elsewhere.example'], groups: rights })
  expectRefusal(await broker.call('GET', '/v1/admin/tasks', { token }), 401, 'invalid_token')
})

test('a group whose name is merely part of the claim is not it', async () => {
  for (const groups of ['readers', 'read ', 'READ', ['unread'], { read: true }, 'read,revoke']) {
    const token = await broker.admin({ aud: 'console', groups })
    expectRefusal(await broker.call('GET', '/v1/admin/tasks', { token }), 403, 'forbidden')
  }
})

test('to keep out more than one session, whoever revokes needs the right to suspend as well', async () => {
  const order = (fence: boolean, groups: string[]) => async () =>
    broker.call('POST', '/v1/admin/revocations', {
      token: await admin(groups),
      body: { selector: { agent: 'refactor-bot' }, fence, ...reason },
    })
  expectRefusal(await order(true, ['revoke'])(), 403, 'forbidden')
  expectRefusal(await order(true, ['suspend'])(), 403, 'forbidden')
  expect((await order(false, ['revoke'])()).status).toBe(200)
  const claims = { session: { issuer: 'sandbox', claims: { repository_id: '123' } } }
  for (const selector of [claims, { claim: { issuer: 'sandbox', name: 'repository_id', value: '123' } }]) {
    const body = { selector, ...reason, fence: true }
    const token = await admin(['revoke'])
    expectRefusal(await broker.call('POST', '/v1/admin/revocations', { token, body }), 403, 'forbidden')
    const { body: revoked } = await broker.call('POST', '/v1/admin/revocations', {
      token,
      body: { selector, ...reason },
    })
    expect(revoked.fence).toBeNull()
  }
  const { status, body } = await order(true, ['revoke', 'suspend'])()
  expect(status).toBe(200)
  const lifted = await broker.call('DELETE', `/v1/admin/fences/${body.fence.id}`, {
    token: await admin(['suspend']),
  })
  expect(lifted.status).toBe(200)
})

test('an admin who tries what they have no right to is on record, and a stranger is counted', async () => {
  const refused = () => rows(broker, 'audit_events', `type = 'request.denied' and actor like 'admin:%'`)
  const call = async (token: string) => broker.call('POST', '/v1/admin/reload', { token })
  const { body } = await call(await admin(['read']))
  const event = refused().at(-1)!
  expect(event).toMatchObject({ actor: 'admin:sandbox:ada', request: body.request_id })
  expect(JSON.parse(event.data!)).toEqual({ code: 'forbidden', reason: body.detail })
  const before = refused().length
  expectRefusal(await call(await admin([])), 403, 'forbidden')
  expectRefusal(await call(await broker.workload()), 403, 'forbidden')
  expect(refused()).toHaveLength(before)
})
