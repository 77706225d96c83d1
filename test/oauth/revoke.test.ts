/** Revocation (RFC 7009): whoever holds the secret can end it, and nothing else can. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { revokes } from '../support/github.ts'
import { exchange, post, revoke } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { aws, everyUpstream, permissive, vaultSecret, vaultToken } from '../support/every-upstream.ts'

const broker = await describedBroker({ settings: everyUpstream, files: permissive })
const { github, ledger } = broker.sandbox

/** A task with one credential. */
async function held(detail: object = readWeb) {
  const { body } = await exchange(broker, { authorization_details: JSON.stringify([detail]) })
  return { ...body, task: { ...body.task, task_token: body.task_token } }
}

test.each(['access_token', 'task_token'] as const)('the %s ends its task, and is dead', async (which) => {
  const { task, ...tokens } = await held()
  const answer = await revoke(broker, tokens[which])
  expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: '' })
  expect(answer.headers.get('Cache-Control')).toBe('no-store')
  expect(await broker.use(tokens.access_token)).toBe(401)
  expect((await broker.read(task)).body).toMatchObject({
    status: 'completed',
    end_reason: 'completed',
    leases: [{ status: 'revoked', evidence: { result: 'dead' } }],
  })
})

test.each([
  ['an AWS session token', aws],
  ['a Vault token', vaultToken],
  ["a Vault secret's task token", vaultSecret],
])('%s ends its task', async (_what, detail) => {
  const { task, access_token } = await held(detail)
  expect((await revoke(broker, access_token)).status).toBe(200)
  const { body } = await broker.read(task)
  expect(body).toMatchObject({ status: 'completed', leases: [{ status: 'revoked' }] })
})

test('one credential of several takes all of its task along', async () => {
  const { task, access_token } = await held()
  const { body: second } = await broker.mint(task, readWeb)
  await revoke(broker, second.credential.token)
  expect(await broker.use(access_token)).toBe(401)
})

test('a token that nobody knows is answered like one that was revoked (RFC 7009 section 2.2)', async () => {
  const { access_token } = await held()
  const known = await revoke(broker, access_token)
  for (const token of [access_token, 'ghs_nobodyknowsthisone', 'mft_x', 'x'.repeat(5_000)]) {
    const { status, body } = await revoke(broker, token)
    expect({ status, body }).toEqual({ status: known.status, body: known.body })
  }
})

test('what logs and lists carry ends nothing: only the secret does', async () => {
  const { task, lease, access_token } = await held()
  const [row] = rows(broker, 'leases', `id = '${lease.id}'`)
  const [stored] = rows(broker, 'tasks', `id = '${task.id}'`)
  for (const identifier of [
    task.id,
    lease.id,
    lease.fingerprint,
    row!.secret_hash!,
    stored!.token_hash,
    access_token.toUpperCase(),
    `${access_token}=`,
  ])
    expect((await revoke(broker, identifier)).status).toBe(200)
  expect((await broker.read(task)).body.status).toBe('active')
  expect(await broker.use(access_token)).toBe(200)
})

test('the hint is no more than a hint, and who asks does not matter', async () => {
  const { access_token } = await held()
  await revoke(broker, access_token, { token_type_hint: 'refresh_token', client_id: 'another' })
  expect(await broker.use(access_token)).toBe(401)
})

test.each([
  ['is not taken by upstream', { status: 503 }],
  ['is taken by upstream, and does nothing', { status: 204 }],
])('a revocation that %s is no success, and goes on (RFC 7009 section 2.2.1)', async (_how, answer) => {
  const { task, access_token } = await held()
  const liar = github.faults.add({ kind: 'status', ...answer, on: revokes })
  const refused = await revoke(broker, access_token)
  expectOAuthError(refused, 503, 'temporarily_unavailable', 'provider_unavailable')
  expect(refused.headers.get('Retry-After')).toBe('2')
  expect((await broker.read(task)).body).toMatchObject({
    status: 'completed',
    leases: [{ status: 'revoking' }],
  })
  // Also now it is known by its secret.
  expect((await revoke(broker, access_token)).status).toBe(503)
  liar.clear()
  await expect.poll(async () => (await revoke(broker, access_token)).status, { timeout: 15_000 }).toBe(200)
  expect(await broker.use(access_token)).toBe(401)
})

test.each([
  ['no token', { token: undefined }],
  ['an empty token', { token: '' }],
])('%s is invalid_request', async (_what, parameters) => {
  const answer = await post(broker, '/oauth/revoke', parameters)
  expectOAuthError(answer, 400, 'invalid_request', 'invalid_request')
})

test('two tokens are invalid_request, and neither is revoked', async () => {
  const { access_token } = await held()
  const twice = `token=${access_token}&token=x`
  expectOAuthError(await post(broker, '/oauth/revoke', twice), 400, 'invalid_request', 'invalid_request')
  expect(await broker.use(access_token)).toBe(200)
})

test('in the end nothing is alive', async () => {
  await broker.revoke({ all: true })
  const left = ledger.alive().filter(({ provider }) => provider !== 'aws')
  expect(left).toEqual([])
})
