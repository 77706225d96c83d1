/** Token exchange (RFC 8693): one call, one credential. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { exchange, form, post, revoke } from '../support/oauth-form.ts'
import { aws, everyUpstream, permissive, vaultSecret, vaultToken } from '../support/every-upstream.ts'

const broker = await describedBroker({
  settings: everyUpstream,
  files: {
    ...permissive,
    ...agentFiles('second-bot', { match: [{ issuer: 'sandbox', claims: { team: 'both' } }] }),
  },
})
const { ledger } = broker.sandbox

test('an identity becomes a credential, and with it all that is known of its task and lease', async () => {
  const { status, headers, body } = await exchange(broker, { purpose: 'nightly build', ttl: '120' })
  expect(status).toBe(200)
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(headers.get('Pragma')).toBe('no-cache')
  expect(body).toMatchObject({
    access_token: body.credential.token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    authorization_details: [readWeb],
    task: {
      status: 'active',
      agent: 'refactor-bot',
      purpose: 'nightly build',
      ttl: 120,
      leases: [{ id: body.lease.id }],
    },
    task_token: expect.stringMatching(/^mft_/),
    lease: { status: 'active', revocation: 'immediate', authorization_detail: readWeb },
  })
  expect(body.expires_in).toBeGreaterThan(110)
  expect(body.expires_in).toBeLessThanOrEqual(120)
  expect(await broker.use(body.access_token)).toBe(200)
})

test('it lives no longer than its task: expires_in is of the lease, not of the hour that GitHub gives', async () => {
  const { body } = await exchange(broker)
  expect(body.expires_in).toBeLessThanOrEqual(900)
  expect(Date.parse(body.lease.deadline)).toBe(Date.parse(body.task.expires_at))
  expect(Date.parse(body.lease.upstream_expires_at) - Date.now()).toBeGreaterThan(3_500_000)
})

test('the task goes on through its token: another credential, and its end', async () => {
  const { body } = await exchange(broker)
  const task = { ...body.task, task_token: body.task_token }
  const { body: second } = await broker.mint(task, readWeb)
  expect(await broker.use(second.credential.token)).toBe(200)
  expect((await broker.complete(task)).body.leases).toMatchObject([
    { status: 'revoked' },
    { status: 'revoked' },
  ])
  for (const token of [body.access_token, second.credential.token]) expect(await broker.use(token)).toBe(401)
})

test('its scope is the one detail: nothing beside it can be minted', async () => {
  const { body } = await exchange(broker)
  const { body: refused } = await broker.mint({ ...body.task, task_token: body.task_token }, writeWeb)
  expect(refused.code).toBe('out_of_scope')
})

test.each([
  ['GitHub token', readWeb, 'token'],
  ['AWS session token', aws, 'session_token'],
  ['Vault token', vaultToken, 'token'],
] as const)('the access token is the %s', async (_what, detail, member) => {
  const { status, body } = await exchange(broker, { authorization_details: JSON.stringify([detail]) })
  expect(status).toBe(200)
  expect(body.access_token).toBe(body.credential[member])
  expect(body.access_token).toMatch(/./)
})

test('where a credential is not one token, the access token is that of the task, and revokes it', async () => {
  const { body } = await exchange(broker, { authorization_details: JSON.stringify([vaultSecret]) })
  expect(body).toMatchObject({ access_token: body.task_token, credential: { data: expect.any(Object) } })
  expect((await revoke(broker, body.access_token)).status).toBe(200)
  expect((await broker.read({ ...body.task, task_token: body.task_token })).body).toMatchObject({
    status: 'completed',
    leases: [{ status: 'revoked' }],
  })
})

test('an id_token is a subject token too', async () => {
  const type = 'urn:ietf:params:oauth:token-type:id_token'
  expect((await exchange(broker, { subject_token_type: type })).status).toBe(200)
})

test('an identity of several agents says which it is', async () => {
  const subject_token = await broker.workload({ team: 'both' })
  const { body: ambiguous } = await exchange(broker, { subject_token })
  expect(ambiguous).toMatchObject({ error: 'invalid_request', code: 'invalid_request' })
  const { body } = await exchange(broker, { subject_token, agent: 'second-bot' })
  expect(body.task.agent).toBe('second-bot')
})

test('parameters of other uses of OAuth are ignored', async () => {
  const { status, body } = await exchange(broker, {
    client_id: 'ci',
    client_secret: 'x',
    scope: 'repo admin:org',
    audience: 'https://elsewhere.example',
    resource: 'https://api.github.com/',
    requested_token_type: 'urn:ietf:params:oauth:token-type:saml2',
    __proto__x: 'y',
  })
  expect({ status, details: body.authorization_details }).toEqual({ status: 200, details: [readWeb] })
})

test('a parameter without a value counts as left out (RFC 6749 section 3.2)', async () => {
  const { status, body } = await exchange(broker, { purpose: '', ttl: '', agent: '' })
  expect(status).toBe(200)
  expect(body.task).toMatchObject({ purpose: 'token exchange', ttl: 900 })
})

test('a charset beside the content type is none of its business', async () => {
  const type = { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' }
  expect((await exchange(broker, {}, type)).status).toBe(200)
})

test('an identity that is refused is not used up, one that was accepted is', async () => {
  const subject_token = await broker.workload()
  const denied = JSON.stringify([{ ...readWeb, repositories: ['globex/web'] }])
  expect((await exchange(broker, { subject_token, authorization_details: denied })).status).toBe(400)
  const accepted = await form(broker, { subject_token })
  expect((await post(broker, '/oauth/token', accepted)).status).toBe(200)
  expect((await post(broker, '/oauth/token', accepted)).body.code).toBe('token_replayed')
})

test('nothing is alive that its task does not hold', async () => {
  await broker.revoke({ all: true })
  expect(ledger.alive()).toEqual([])
})
