/** Which credentials a task gives: those equal to or narrower than exactly one of its details. */
import { expect, test } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

const webAndDocs = {
  type: 'github',
  repositories: ['acme/docs', 'acme/web'],
  permissions: { contents: 'read', issues: 'read' },
}

test('an equal detail is minted, and the lease says all but the secret', async () => {
  const { body: task } = await broker.open()
  const { status, body } = await broker.mint(task)
  expect(status).toBe(201)
  expect(body.credential).toEqual({ token: expect.stringMatching(/^ghs_/) })
  const entry = ledger.find(body.credential.token)
  expect(body.lease).toEqual({
    id: expect.stringMatching(/^lease_[0-9a-f]{32}$/),
    task: task.id,
    provider: 'github',
    connection: 'acme',
    status: 'active',
    authorization_detail: writeWeb,
    class: 'write',
    revocation: 'immediate',
    created_at: expect.any(String),
    deadline: task.expires_at,
    upstream_expires_at: expect.any(String),
    stands_until: expect.any(String),
    live_until: null,
    ended_at: null,
    fingerprint: entry?.fingerprint,
    evidence: null,
  })
  expect((await broker.read(task)).body.leases).toEqual([body.lease])
})

test('a narrower detail is minted, and the credential reaches no further', async () => {
  const { body: task } = await broker.open({ authorization_details: [webAndDocs] })
  const { status, body } = await broker.mint(task, {
    type: 'github',
    repositories: ['acme/web'],
    permissions: { issues: 'read' },
  })
  expect(status).toBe(201)
  expect(ledger.find(body.credential.token)?.scope).toMatchObject({
    repositories: ['acme/web'],
    permissions: { issues: 'read', metadata: 'read' },
  })
  expect(await broker.use(body.credential.token, '/repos/acme/docs')).toBe(404)
})

test.each([
  ['another repository', { ...writeWeb, repositories: ['acme/docs'] }],
  ['one repository more', { ...writeWeb, repositories: ['acme/web', 'acme/docs'] }],
  ['another permission', { ...writeWeb, permissions: { issues: 'read' } }],
  ['one permission more', { ...writeWeb, permissions: { contents: 'write', issues: 'read' } }],
])('%s is out of scope', async (_what, detail) => {
  const { body: task } = await broker.open()
  const minted = ledger.entries.length
  expectRefusal(await broker.mint(task, detail), 403, 'out_of_scope')
  expect(ledger.entries).toHaveLength(minted)
})

test('a higher level is out of scope', async () => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  expectRefusal(await broker.mint(task, writeWeb), 403, 'out_of_scope')
})

test("a detail within several of the task's is out of scope, one within a single one is not", async () => {
  const { body: task } = await broker.open({ authorization_details: [writeWeb, webAndDocs] })
  const ambiguous = await broker.mint(task, readWeb)
  expectRefusal(ambiguous, 403, 'out_of_scope')
  expect(ambiguous.body.detail).toContain('several')
  expect((await broker.mint(task, writeWeb)).status).toBe(201)
})

test('the detail may also stand under `authorization_details`, or be the body itself', async () => {
  const { body: task } = await broker.open()
  const path = `/v1/tasks/${task.id}/credentials`
  for (const body of [{ authorization_details: [readWeb] }, { ...readWeb, context: { step: '1' } }]) {
    const minted = await broker.call('POST', path, { token: task.task_token, body })
    expect(minted.status).toBe(201)
    expect(minted.body.lease.authorization_detail).toEqual(readWeb)
  }
})

test('each credential is one of its own, even for the same detail', async () => {
  const { body: task } = await broker.open()
  const minted = await Promise.all([broker.mint(task), broker.mint(task), broker.mint(task)])
  const tokens = minted.map(({ body }) => body.credential.token)
  expect(new Set(tokens).size).toBe(3)

  const given = await broker.call('POST', `/v1/tasks/${task.id}/leases/${minted[0]!.body.lease.id}/revoke`, {
    token: task.task_token,
  })

  expect(given.status).toBe(200)
  expect(given.body).toMatchObject({
    id: minted[0]!.body.lease.id,
    status: 'revoked',
    evidence: { result: 'dead' },
  })
  expect(await Promise.all(tokens.map((token) => broker.use(token)))).toEqual([401, 200, 200])
  expect((await broker.read(task)).body.status).toBe('active')
})

test('a field of the context that the task was opened with may not change: the task ends', async () => {
  const { body: task } = await broker.open({ context: { model: 'm', run: '1' } })
  const { body: first } = await broker.mint(task, writeWeb, { model: 'm', step: '1' })
  expectRefusal(await broker.mint(task, writeWeb, { model: 'another' }), 409, 'context_changed')
  await expect
    .poll(async () => (await broker.read(task)).body)
    .toMatchObject({
      status: 'revoked',
      end_reason: 'context_changed',
      leases: [{ status: 'revoked' }],
    })
  expect(await broker.use(first.credential.token)).toBe(401)
})
