/**
 * The token exchange of a gateway in front of an agent (agentgateway's `backendAuth.oauthTokenExchange`):
 * its `audiences`, `resources`, `scopes`, `clientAuth` and `additionalParams`, word for word as RFC 8693 has them.
 */
import { expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { describedBroker } from '../support/described-broker.ts'
import { grantType, jwtType, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'

const broker = await describedBroker({})
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }

interface Configured {
  audiences?: string[]
  resources?: string[]
  scopes?: string[]
  additionalParams?: Record<string, string>
}

/** As on the wire: what is a list in the configuration is repeated, but for scopes, which are one word each of one parameter. */
async function written({ audiences = [], resources = [], scopes = [], additionalParams = {} }: Configured) {
  return [
    ['grant_type', grantType],
    ['subject_token', await broker.workload()],
    ['subject_token_type', jwtType],
    ['requested_token_type', accessToken],
    ...audiences.map((each) => ['audience', each]),
    ...resources.map((each) => ['resource', each]),
    ...(scopes.length > 0 ? [['scope', scopes.join(' ')]] : []),
    ...Object.entries(additionalParams),
  ] as [string, string][]
}

const headers = { Authorization: `Basic ${Buffer.from('gateway:unused').toString('base64')}` }
const asForm = async (configured: Configured, more: [string, string][] = []) =>
  await post(
    broker,
    '/oauth/token',
    String(new URLSearchParams([...(await written(configured)), ...more])),
    headers,
  )
const asJson = async (configured: Configured) => {
  const { audiences, resources } = configured
  const lists = { ...(audiences && { audience: audiences }), ...(resources && { resource: resources }) }
  const body = { ...Object.fromEntries(await written(configured)), ...lists }
  return await broker.call('POST', '/oauth/token', { body, headers })
}
const wanted = { resources: ['github:acme/web'], scopes: ['contents:read'] }

function expectExchanged(answer: Answer): void {
  expect(answer.status).toBe(200)
  const { access_token, issued_token_type, token_type, expires_in, authorization_details } = answer.body
  const [{ connection: _, ...given }] = authorization_details
  expect({ issued_token_type, token_type, given }).toEqual({
    issued_token_type: accessToken,
    token_type: 'Bearer',
    given: detail,
  })
  expect(access_token).toMatch(/^ghs_/)
  const left = (Date.parse(answer.body.task.expires_at) - Date.now()) / 1000
  expect(expires_in).toBeGreaterThan(0)
  // Rounded down when it was said: never beyond the task.
  expect(expires_in).toBeLessThanOrEqual(Math.ceil(left) + 5)
  expect(answer.headers.get('Cache-Control')).toBe('no-store')
}

test.each<[string, Configured]>([
  ['a resource with its scopes', wanted],
  ['the broker as its audience', { ...wanted, audiences: [broker.url] }],
  ['the broker and the connection as its audiences', { ...wanted, audiences: [broker.url, 'github/acme'] }],
  ['a connection named in both ways', { ...wanted, audiences: ['acme', 'github/acme'] }],
  ['the target as an audience', { audiences: [broker.url, 'github:acme/web'], scopes: ['contents:read'] }],
  ['further parameters of ours', { ...wanted, additionalParams: { ttl: '60', purpose: 'a gateway' } }],
  ['parameters that nobody knows', { ...wanted, additionalParams: { tenant: 'acme', prompt: 'none' } }],
])('%s is exchanged, as a form and as JSON', async (_what, configured) => {
  expectExchanged(await asForm(configured))
  expectExchanged(await asJson(configured))
})

test.each<[string, Configured, string]>([
  ['several resources', { ...wanted, resources: ['github:acme/web', 'github:acme/docs'] }, 'invalid_target'],
  [
    'several targets as audiences',
    { scopes: ['contents:read'], audiences: ['github:acme/web', 'github:acme/docs'] },
    'invalid_target',
  ],
  ['a second audience that is nobody', { ...wanted, audiences: [broker.url, 'elsewhere'] }, 'invalid_target'],
  ['a scope of no permission', { ...wanted, scopes: ['contents:read', 'nonsense:read'] }, 'invalid_scope'],
])('%s are refused, as a form and as JSON', async (_what, configured, error) => {
  expectOAuthError(await asForm(configured), 400, error, 'invalid_request')
  expectOAuthError(await asJson(configured), 400, error, 'invalid_request')
})

test.each([
  ['grant_type', grantType],
  ['subject_token', 'another'],
  ['subject_token_type', jwtType],
  ['scope', 'issues:read'],
  ['ttl', '60'],
])('%s twice is refused', async (name, value) => {
  const twice: [string, string][] = name === 'ttl' ? [['ttl', '30']] : []
  const answer = await asForm(wanted, [...twice, [name, value]])
  expectOAuthError(answer, 400, 'invalid_request', 'invalid_request')
})

test.each(['client_credentials', 'refresh_token'])(
  'JSON with grant_type %s is refused',
  async (grant_type) => {
    const body = { ...Object.fromEntries(await written(wanted)), grant_type }
    const answer = await broker.call('POST', '/oauth/token', { body, headers })
    expectOAuthError(answer, 400, 'unsupported_grant_type', 'invalid_request')
  },
)
