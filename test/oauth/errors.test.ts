/** Every refusal of the token endpoint, to the letter of RFC 6749 §5.2, RFC 8693 §2.2.2 and RFC 9396 §5. */
import { expect, test } from 'vitest'
import type { ErrorCode } from '../../src/base/errors.ts'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { exchange, form, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'

const overdue = agentFiles('overdue-bot', { review_by: '2020-01-01' })
const broker = await describedBroker({ files: { ...overdue, ...agentFiles('paused-bot') } })
const { ledger } = broker.sandbox
const details = (...list: unknown[]) => JSON.stringify(list)

test.each<[string, () => string | Promise<string>, ErrorCode]>([
  ['malformed', () => 'not-a-token', 'invalid_token'],
  ['of another audience', () => broker.workload({ aud: 'https://elsewhere.example' }), 'invalid_token'],
  ['expired', () => broker.workload({ exp: 1 }), 'invalid_token'],
  ['of an unknown issuer', () => broker.workload({ iss: 'https://elsewhere.example' }), 'invalid_token'],
  ['of nobody known', () => broker.workload({ sub: 'nobody' }), 'unknown_agent'],
  ['of an agent overdue', () => broker.workload({ sub: subjectOf('overdue-bot') }), 'agent_expired'],
])('a subject token that is %s is invalid_request', async (_what, token, code) => {
  expectOAuthError(await exchange(broker, { subject_token: await token() }), 400, 'invalid_request', code)
})

test('a subject token of a suspended agent is invalid_request', async () => {
  const options = { token: await broker.admin(), body: { reason: 'a test' } }
  await broker.call('POST', '/v1/admin/agents/paused-bot/suspend', options)
  const subject_token = await broker.workload({ sub: subjectOf('paused-bot') })
  expectOAuthError(await exchange(broker, { subject_token }), 400, 'invalid_request', 'agent_suspended')
})

test('a subject token used before is invalid_request, token_replayed', async () => {
  const subject_token = await broker.workload()
  expect((await exchange(broker, { subject_token })).status).toBe(200)
  expectOAuthError(await exchange(broker, { subject_token }), 400, 'invalid_request', 'token_replayed')
})

test.each([
  ['not JSON', '[{'],
  ['no list', JSON.stringify(readWeb)],
  ['an empty list', '[]'],
  ['of an unknown type', details({ type: 'gitlab' })],
  ['of no type', details({ repositories: ['acme/web'] })],
  ['with a name twice', `[{"type":"github","type":"github"}]`],
  ['deeper than anything', `${'['.repeat(2000)}${']'.repeat(2000)}`],
  ['with an unknown permission', details({ ...readWeb, permissions: { content: 'read' } })],
  ['with nothing to reach', details({ ...readWeb, repositories: [] })],
  ['for what no connection serves', details({ ...readWeb, repositories: ['globex/web'] })],
  ['naming another connection', details({ ...readWeb, connection: 'other' })],
])('details that are %s are invalid_authorization_details', async (_what, authorization_details) => {
  const answer = await exchange(broker, { authorization_details })
  expectOAuthError(answer, 400, 'invalid_authorization_details', 'invalid_request')
})

test('details that policy denies are invalid_authorization_details, with the policies that denied', async () => {
  const answer = await exchange(broker, {
    authorization_details: details({ ...writeWeb, repositories: ['acme/docs'] }),
  })
  expectOAuthError(answer, 400, 'invalid_authorization_details', 'policy_denied')
  expect(answer.body.denials).toEqual([
    {
      action: 'github.contents.write',
      resource: 'GithubRepository::"acme/docs"',
      policies: ['docs-are-read-only'],
    },
  ])
})

test('details that upstream refuses are invalid_authorization_details', async () => {
  const missing = { ...readWeb, repositories: ['acme/no-such-repository'] }
  const answer = await exchange(broker, { authorization_details: details(missing) })
  expectOAuthError(answer, 400, 'invalid_authorization_details', 'provider_rejected')
})

test.each([
  ['grant_type', undefined],
  ['subject_token', undefined],
  ['subject_token', ''],
  ['subject_token_type', undefined],
  ['subject_token_type', 'urn:ietf:params:oauth:token-type:saml2'],
  ['subject_token_type', 'urn:ietf:params:oauth:token-type:access_token'],
  ['authorization_details', undefined],
  ['ttl', '0'],
  ['ttl', '-1'],
  ['ttl', '1.5'],
  ['ttl', '1e3'],
  ['ttl', '3601'],
  ['ttl', '999999999999'],
  ['purpose', 'a\r\nb'],
  ['purpose', 'x'.repeat(1001)],
])('%s: %j is invalid_request', async (name, value) => {
  expectOAuthError(await exchange(broker, { [name]: value }), 400, 'invalid_request', 'invalid_request')
})

test.each(['client_credentials', 'authorization_code', 'urn:ietf:params:oauth:grant-type:jwt-bearer'])(
  'grant_type %s is unsupported_grant_type',
  async (grant_type) => {
    const answer = await exchange(broker, { grant_type })
    expectOAuthError(answer, 400, 'unsupported_grant_type', 'invalid_request')
  },
)

test('what the details quote of the caller does not break out of the error', async () => {
  const answer = await exchange(broker, {
    authorization_details: details({ ...readWeb, connection: '"}\\\r\nX: é' }),
  })
  expectOAuthError(answer, 400, 'invalid_authorization_details', 'invalid_request')
})

test.each(['/oauth/token', '/oauth/revoke'])('GET %s is answered in the words of OAuth', async (path) => {
  const answer = await broker.call('GET', path)
  expectOAuthError(answer, 405, 'invalid_request', 'invalid_request')
  expect(answer.headers.get('Allow')).toBe('POST')
})

test('a body that is too long is invalid_request, and closes the connection', async () => {
  const answer = await post(broker, '/oauth/token', {
    ...(await form(broker)),
    padding: 'x'.repeat(70_000),
  })
  expectOAuthError(answer, 413, 'invalid_request', 'invalid_request')
})

test('the client credentials that a library sends along are no mistake', async () => {
  const basic = { Authorization: `Basic ${Buffer.from('ci:').toString('base64')}` }
  expect((await exchange(broker, {}, basic)).status).toBe(200)
})

test('no refusal has minted anything that lives', async () => {
  await broker.revoke({ all: true })
  expect(ledger.alive()).toEqual([])
})
