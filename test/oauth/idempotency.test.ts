/** `Idempotency-Key`: a request sent again resumes what the first one began, on all three calls that take it. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { mints, revokes } from '../support/github.ts'
import { rawRequest } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { until } from '../support/until.ts'
import { form, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'

const broker = await describedBroker({
  settings: { limits: { live_leases: { task: 3, agent: 3 } } },
  files: agentFiles('other-bot'),
})
const { github, ledger } = broker.sandbox
const opening = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }

const open = (token: string, key: string, body: object = opening) =>
  broker.call('POST', '/v1/tasks', { token, body, headers: { 'Idempotency-Key': key } })
const mint = (task: Answer['body'], key: string, detail: object = readWeb) =>
  broker.call('POST', `/v1/tasks/${task.id}/credentials`, {
    token: task.task_token,
    body: { authorization_detail: detail },
    headers: { 'Idempotency-Key': key },
  })
const exchangeAs = (asked: Record<string, string | undefined>, key: string) =>
  post(broker, '/oauth/token', asked, { 'Idempotency-Key': key })

test('opening again gives the same task a fresh token, and the one before is good for nothing', async () => {
  const token = await broker.workload()
  const [first, second] = [await open(token, 'k'), await open(token, 'k')]
  expect(second).toMatchObject({
    status: 201,
    body: { id: first.body.id, expires_at: first.body.expires_at },
  })
  expectRefusal(await broker.read(first.body), 401, 'invalid_token')
  expect((await broker.read(second.body)).status).toBe(200)
  const [event] = rows(broker, 'audit_events', `type = 'task.resumed'`)
  expect(event).toMatchObject({
    task: first.body.id,
    agent: 'refactor-bot',
    request: second.headers.get('X-Request-Id'),
  })
  expect(JSON.parse(event!.data!)).toMatchObject({ subject: 'repo:acme/web:ref:refs/heads/main' })
})

test('without the key, or with another, the token was used before', async () => {
  const token = await broker.workload()
  await open(token, 'k')
  expectRefusal(await broker.call('POST', '/v1/tasks', { token, body: opening }), 401, 'token_replayed')
  expectRefusal(await open(token, 'l'), 401, 'token_replayed')
})

test('the same key for something else is a conflict, and changes nothing', async () => {
  const token = await broker.workload()
  const { body: task } = await open(token, 'k')
  expectRefusal(await open(token, 'k', { ...opening, ttl: 601 }), 409, 'conflict')
  expect((await broker.read(task)).status).toBe(200)
})

test('the order of members is not something else', async () => {
  const token = await broker.workload()
  const { body } = await open(token, 'k')
  const { ttl, purpose, authorization_details } = opening
  expect((await open(token, 'k', { ttl, authorization_details, purpose })).body.id).toBe(body.id)
})

test("another caller's key of the same name is another key", async () => {
  const { body: ours } = await open(await broker.workload(), 'shared')
  const { body: theirs } = await open(await broker.workload({ sub: subjectOf('other-bot') }), 'shared')
  const { body: mine } = await open(await broker.workload(), 'shared')
  expect(new Set([ours.id, theirs.id, mine.id]).size).toBe(3)
  const minted = [await mint(ours, 'shared'), await mint(theirs, 'shared')]
  for (const { body } of minted) expect(await broker.use(body.credential.token)).toBe(200)
  await broker.revoke({ all: true })
})

test("another subject's token with the same jti resumes nothing, on either call", async () => {
  const jti = 'one for both'
  const ours = await open(await broker.workload({ jti }), 'k')
  const theirs = () => broker.workload({ jti, sub: subjectOf('other-bot') })
  expectRefusal(await open(await theirs(), 'k'), 401, 'token_replayed')
  expect((await broker.read(ours.body)).status).toBe(200)

  const exchanged = await exchangeAs(
    await form(broker, { subject_token: await broker.workload({ jti: 'x' }) }),
    'k',
  )
  expect(exchanged.status).toBe(200)
  const { credential, task, task_token } = exchanged.body
  const again = await broker.workload({ jti: 'x', sub: subjectOf('other-bot') })
  const refused = await exchangeAs(await form(broker, { subject_token: again }), 'k')
  expectOAuthError(refused, 400, 'invalid_request', 'token_replayed')
  expect(await broker.use(credential.token)).toBe(200)
  expect((await broker.read({ ...task, task_token })).status).toBe(200)
  await broker.revoke({ all: true })
})

test('the same key on another call is another key', async () => {
  const token = await broker.workload()
  const { body: task } = await open(token, 'k')
  expectOAuthError(
    await exchangeAs(await form(broker, { subject_token: token }), 'k'),
    400,
    'invalid_request',
    'token_replayed',
  )
  expect((await broker.read(task)).status).toBe(200)
})

test('minting again revokes what was minted under the key before, then mints', async () => {
  const { body: task } = await broker.open()
  const [first, second] = [await mint(task, 'k'), await mint(task, 'k')]
  expect(second.body.lease.id).not.toBe(first.body.lease.id)
  const [before, after] = [first, second].map(({ body }) => ledger.find(body.credential.token)!)
  expect(before!.revokedAt).toBeLessThanOrEqual(after!.mintedAt)
  expect(await broker.use(second.body.credential.token)).toBe(200)
  const other = await mint(task, 'another')
  expect(await broker.use(second.body.credential.token)).toBe(200)
  expect(await broker.use(other.body.credential.token)).toBe(200)
  await broker.complete(task)
})

test.each([
  ['does not revoke', { status: 502 }],
  ['only says that it revokes', { status: 204 }],
])('minting again while upstream %s mints nothing, and once it does goes through', async (_how, answer) => {
  const { body: task } = await broker.open()
  const { body } = await mint(task, 'k')
  const down = github.faults.add({ kind: 'status', ...answer, on: revokes })
  const minted = ledger.entries.length
  const refused = await mint(task, 'k')
  expectRefusal(refused, 503, 'provider_unavailable')
  expect(refused.headers.get('Retry-After')).toMatch(/^\d+$/)
  expect(ledger.entries).toHaveLength(minted)
  down.clear()
  expect((await mint(task, 'k')).status).toBe(201)
  expect(await broker.use(body.credential.token)).toBe(401)
  await broker.complete(task)
})

test('a task that is resumed is answered with its leases', async () => {
  const token = await broker.workload()
  const { body: task } = await open(token, 'k')
  const { body } = await broker.mint(task)
  const { body: resumed } = await open(token, 'k')
  expect(resumed.leases).toMatchObject([{ id: body.lease.id, status: 'active' }])
  await broker.complete(resumed)

  const asked = await form(broker)
  const [first, second] = [await exchangeAs(asked, 'k'), await exchangeAs(asked, 'k')]
  expect(second.body.task.leases).toMatchObject([
    { id: first.body.lease.id, status: 'revoked' },
    { id: second.body.lease.id, status: 'active' },
  ])
  await broker.revoke({ all: true })
})

test('minting something else under the key is a conflict, and revokes nothing', async () => {
  const { body: task } = await broker.open()
  const { body } = await mint(task, 'k')
  expectRefusal(await mint(task, 'k', writeWeb), 409, 'conflict')
  expect(await broker.use(body.credential.token)).toBe(200)
  await broker.complete(task)
})

test('exchanging again gives the same task, and one credential that lives', async () => {
  const asked = await form(broker)
  const [first, second] = [await exchangeAs(asked, 'k'), await exchangeAs(asked, 'k')]
  expect(second).toMatchObject({ status: 200, body: { task: { id: first.body.task.id } } })
  expect(await broker.use(first.body.access_token)).toBe(401)
  expect(await broker.use(second.body.access_token)).toBe(200)
  const task = second.body.task
  expectRefusal(await broker.read({ ...task, task_token: first.body.task_token }), 401, 'invalid_token')
  await broker.complete({ ...task, task_token: second.body.task_token })
})

test('many at once with one key leave one task, and one credential that lives', async () => {
  const asked = await form(broker)
  const answers = await Promise.all(Array.from({ length: 3 }, () => exchangeAs(asked, 'k')))
  const given = answers.filter(({ status }) => status === 200)
  expect(given.length).toBeGreaterThanOrEqual(1)
  await until(() => ledger.alive().length === 1)
  const [alive] = ledger.alive()
  expect(given.map(({ body }) => body.access_token)).toContain(alive!.secret)
  expect(new Set(given.map(({ body }) => body.task.id)).size).toBe(1)
  await broker.revoke({ all: true })
})

test('a caller that asks again while the first request is still under way gets what it asked for', async () => {
  const asked = await form(broker)
  const slow = github.faults.add({ kind: 'slow', ms: 200, on: mints, times: 1 })
  const first = exchangeAs(asked, 'k')
  await until(() => slow.hits === 1)
  const { status, body } = await exchangeAs(asked, 'k')
  expectOAuthError(await first, 400, 'invalid_request', 'conflict')
  expect(status).toBe(200)
  await until(() => ledger.alive().length === 1)
  expect(await broker.use(body.access_token)).toBe(200)
  await broker.revoke({ all: true })
})

test('a caller that lost its connection in mid-mint comes back with the key', async () => {
  const asked = await form(broker)
  const slow = github.faults.add({ kind: 'slow', ms: 150, on: mints, times: 1 })
  const asking = rawRequest(`${broker.url}/oauth/token`, {
    method: 'POST',
    headers: ['Content-Type', 'application/x-www-form-urlencoded', 'Idempotency-Key', 'k'],
    body: new URLSearchParams(asked as Record<string, string>).toString(),
  })
  asking.on('error', () => {})
  await until(() => slow.hits === 1)
  asking.destroy()
  await until(() => ledger.alive().length === 0 && ledger.entries.at(-1)?.revokedAt)

  const { status, body } = await exchangeAs(asked, 'k')
  expect(status).toBe(200)
  expect(ledger.alive().map(({ secret }) => secret)).toEqual([body.access_token])
  await broker.revoke({ all: true })
})

test.each([
  ['an upstream that was down', { kind: 'status', status: 502 }, 'provider_unavailable'],
  ['an upstream whose answer was lost', { kind: 'reset-after-processing' }, 'provider_unavailable'],
] as const)('after %s the same request goes through', async (_what, fault, code) => {
  const asked = await form(broker)
  github.faults.add({ ...fault, on: mints, times: 1 })
  expect((await exchangeAs(asked, 'k')).body).toMatchObject({ error: 'temporarily_unavailable', code })
  const { status, body } = await exchangeAs(asked, 'k')
  expect(status).toBe(200)
  expect(await broker.use(body.access_token)).toBe(200)
  await broker.revoke({ all: true })
})

test('after a limit has passed the same request goes through', async () => {
  const { body: crowd } = await broker.open()
  for (let count = 0; count < 3; count += 1) await broker.mint(crowd)
  const crowding = rows(broker, 'leases', `status <> 'revoked'`).length
  expect(crowding).toBeGreaterThanOrEqual(3)
  const asked = await form(broker)
  expect((await exchangeAs(asked, 'k')).body.code).toBe('limit_exceeded')
  await broker.complete(crowd)
  await until(async () => (await exchangeAs(asked, 'k')).status === 200)
  await broker.revoke({ all: true })
})

test('what has ended is not brought back to life', async () => {
  const asked = await form(broker)
  const { body } = await exchangeAs(asked, 'k')
  await broker.complete({ ...body.task, task_token: body.task_token })
  expectOAuthError(await exchangeAs(asked, 'k'), 400, 'invalid_request', 'task_not_active')
  expect(await broker.use(body.access_token)).toBe(401)
})

test('a key does not help an agent that has been suspended since', async () => {
  const asked = await form(broker, {
    subject_token: await broker.workload({ sub: subjectOf('other-bot') }),
  })
  expect((await exchangeAs(asked, 'k')).status).toBe(200)
  const options = { token: await broker.admin(), body: { reason: 'a test' } }
  await broker.call('POST', '/v1/admin/agents/other-bot/suspend', options)
  const { status, body } = await exchangeAs(asked, 'k')
  expect(status).toBe(400)
  expect(['agent_suspended', 'task_not_active']).toContain(body.code)
})

test.each([' ', 'a b', 'x'.repeat(201), 'é'])('the key %j is not one', async (key) => {
  const answer = await open(await broker.workload(), encodeURIComponent(key) === '%20' ? '' : key)
  expectRefusal(answer, 400, 'invalid_request')
})
