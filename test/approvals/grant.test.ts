/** A human's yes, and what comes of it. */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { describedBroker } from '../support/described-broker.ts'
import { rows } from '../support/database.ts'
import { answer, ask, human, infra, legal, needing } from '../support/approvals.ts'

// The broker's own: it may be ahead of the machine's, where that was set back.
const clock = systemClock()
const broker = await describedBroker({ ...needing('security', 'legal'), clock })
const { ledger } = broker.sandbox

test('a task is active when every group has said yes, and its ttl starts then', async () => {
  const task = await ask(broker, { ttl: 300 })
  expect(task.approvals.map(({ group }: { group: string }) => group)).toEqual(['legal', 'security'])
  const [forLegal, forSecurity] = task.approvals
  const first = await answer(broker, 'approve', forSecurity)
  expect(first).toMatchObject({ status: 200, body: { status: 'pending_approval' } })
  expect((await broker.mint(task, infra)).body.code).toBe('task_not_active')

  const before = clock.now()
  const second = await answer(broker, 'approve', forLegal, {
    claims: legal,
    reason: 'the release is tonight',
  })
  expect(second).toMatchObject({
    status: 200,
    body: { status: 'active', approvals: [{ status: 'granted' }, { status: 'granted' }] },
  })
  const expiresAt = Date.parse(second.body.expires_at)
  expect(expiresAt).toBeGreaterThanOrEqual(before + 300_000)
  expect(expiresAt).toBeLessThanOrEqual(clock.now() + 300_000)

  const { status, body } = await broker.mint(task, infra)
  expect(status).toBe(201)
  expect(Date.parse(body.lease.deadline)).toBe(expiresAt)
  expect(await broker.use(body.credential.token, '/repos/acme/infra')).toBe(200)
  await broker.complete(task)
})

test('who said yes, to what and in which words is on record', async () => {
  const task = await ask(broker)
  const [approval] = task.approvals
  await answer(broker, 'approve', approval, { claims: legal, reason: 'the release is tonight' })
  const [event] = rows(broker, 'audit_events', `task = '${task.id}' and type = 'approval.granted'`)
  expect(event).toMatchObject({ actor: 'admin:sandbox:lex', agent: 'refactor-bot' })
  expect(JSON.parse(event!.data!)).toEqual({
    approval: approval.id,
    group: 'legal',
    digest: approval.digest,
    reason: 'the release is tonight',
  })
})

test('who may not say yes and tries is on record too', async () => {
  const task = await ask(broker)
  const [forLegal, forSecurity] = task.approvals
  await answer(broker, 'approve', forSecurity, { claims: { sub: 'owner', email: 'linus@acme.dev' } })
  await answer(broker, 'approve', forSecurity, { claims: legal })
  await answer(broker, 'deny', forSecurity, { claims: legal })
  await answer(broker, 'approve', forLegal, { claims: { groups: ['security', 'legal'] } })
  await answer(broker, 'approve', forSecurity, { claims: { groups: ['security', 'legal'] } })
  const refused = rows(broker, 'audit_events', `task = '${task.id}' and type = 'request.denied' order by seq`)
  expect(refused.map(({ actor, data }) => [actor, JSON.parse(data!)])).toEqual([
    ['admin:sandbox:owner', { ...refusal(forSecurity), reason: 'nobody approves for an agent they own' }],
    ['admin:sandbox:lex', { ...refusal(forSecurity), reason: 'this needs a member of security' }],
    ['admin:sandbox:lex', { ...refusal(forSecurity), reason: 'this needs a member of security' }],
    ['admin:sandbox:ada', { ...refusal(forSecurity), reason: 'one person counts for one group' }],
  ])
  expect(refused[0]).toMatchObject({ agent: 'refactor-bot', owner: 'linus@acme.dev' })
})

const refusal = ({ id, group }: { id: string; group: string }) => ({ approval: id, group })

test('what is asked is shown to an approver, and the digest is of exactly that', async () => {
  const task = await ask(broker, { context: { ticket: 'OPS-1' }, purpose: 'rotate the nodes' })
  const token = await human(broker)
  const { body } = await broker.call('GET', `/v1/admin/approvals?task=${task.id}&group=security`, { token })
  const [{ request, digest, group }] = body.items
  expect(group).toBe('security')
  expect(request).toEqual({
    task: task.id,
    agent: 'refactor-bot',
    issuer: broker.sandbox.issuer.url,
    subject: 'repo:acme/web:ref:refs/heads/main',
    purpose: 'rotate the nodes',
    scope: [{ provider: 'github', connection: 'acme', detail: infra }],
    ttl: 600,
    context: { ticket: 'OPS-1' },
    parent: null,
    groups: ['legal', 'security'],
  })
  expect(digest).toBe(createHash('sha256').update(canonicalize(request)!).digest('hex'))
})

test('two requests are two, however alike: the yes to one is none to the other', async () => {
  const [one, other] = [await ask(broker), await ask(broker)]
  expect(one.approvals[0].digest).not.toBe(other.approvals[0].digest)
  await answer(broker, 'approve', one.approvals[0], { claims: legal })
  await answer(broker, 'approve', one.approvals[1])
  expect((await broker.read(one)).body.status).toBe('active')
  expect((await broker.read(other)).body.status).toBe('pending_approval')
})

test('who said yes, and when, is on the task and in every list', async () => {
  const task = await ask(broker)
  await answer(broker, 'approve', task.approvals[0], { claims: legal, reason: 'seen' })
  const said = { by: 'sandbox:lex', at: expect.stringMatching(/Z$/) }
  const shown = [
    { group: 'legal', status: 'granted', ...said },
    { group: 'security', by: null, at: null },
  ]
  expect((await broker.read(task)).body.approvals).toMatchObject(shown)
  const token = await human(broker)
  const list = async (path: string) => (await broker.call('GET', `/v1/admin/${path}`, { token })).body.items
  expect(await list(`tasks?id=${task.id}`)).toMatchObject([{ approvals: shown }])
  expect(await list(`approvals?id=${task.approvals[0].id}`)).toMatchObject([{ ...said, reason: 'seen' }])
  expect(await list(`approvals?id=${task.approvals[1].id}`)).toMatchObject([{ by: null, reason: null }])
})

test('a no of one ends it, whatever the others have said', async () => {
  const task = await ask(broker)
  await answer(broker, 'approve', task.approvals[1])
  const { body } = await answer(broker, 'deny', task.approvals[0], { claims: legal, reason: 'not this week' })
  expect(body).toMatchObject({
    status: 'denied',
    end_reason: 'denied',
    approvals: [
      { group: 'legal', status: 'denied' },
      { group: 'security', status: 'granted' },
    ],
  })
  expect((await broker.mint(task, infra)).body.code).toBe('task_not_active')
})

test('nothing was minted but what was approved', async () => {
  await broker.revoke({ all: true })
  expect(ledger.entries).toHaveLength(1)
  expect(ledger.alive()).toEqual([])
})
