/** An exchange in the words of RFC 8693: a resource, a scope, an audience; in a form or in JSON. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import type { Answer } from '../support/broker.ts'
import { exchange, form } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'

const broker = await describedBroker({})
const { ledger } = broker.sandbox
const without = { authorization_details: undefined }

async function json(changed: Record<string, unknown>): Promise<Answer> {
  const body = { ...(await form(broker)), ...changed }
  return await broker.call('POST', '/oauth/token', { body })
}
const detail = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }

test('a resource and a scope are a detail', async () => {
  const answer = await exchange(broker, { ...without, resource: 'github:acme/web', scope: 'contents:read' })
  expect(answer.status).toBe(200)
  expect(answer.body.authorization_details).toEqual([detail])
  expect(answer.body.access_token).toBe(answer.body.credential.token)
})

test('a scope may name several permissions', async () => {
  const scope = 'contents:read issues:read'
  const { body } = await exchange(broker, { ...without, resource: 'github:acme/web', scope })
  expect(body.authorization_details[0].permissions).toEqual({ contents: 'read', issues: 'read' })
})

test('a resource alone is what the command line takes as a scope', async () => {
  const { body } = await exchange(broker, { ...without, resource: 'github:acme/web:contents=read' })
  expect(body.authorization_details).toEqual([detail])
})

test.each([
  ['the broker, as many clients send it', () => ({ audience: broker.url })],
  ['the connection', () => ({ audience: 'acme' })],
  ['the connection with its type', () => ({ audience: 'github/acme' })],
])('the audience may be %s', async (_what, given) => {
  const asked = { ...without, resource: 'github:acme/web', scope: 'contents:read', ...given() }
  expect((await exchange(broker, asked)).status).toBe(200)
})

test('the audience may stand for the resource', async () => {
  const { body } = await exchange(broker, { ...without, audience: 'github:acme/web', scope: 'contents:read' })
  expect(body.authorization_details).toEqual([detail])
})

test.each<[string, Record<string, unknown>]>([
  ['with a resource', { ...without, resource: 'github:acme/web', scope: 'contents:read', ttl: 60 }],
  ['with a list of one resource', { ...without, resource: ['github:acme/web'], scope: 'contents:read' }],
  ['with details as a list', { authorization_details: [detail] }],
  ['with details as text', { authorization_details: JSON.stringify([detail]) }],
])('a body of JSON %s is taken', async (_what, changed) => {
  const answer = await json(changed)
  expect(answer.status).toBe(200)
  expect(answer.body.authorization_details).toEqual([detail])
})

test('what was exchanged for is revoked by a body of JSON too', async () => {
  const { body } = await json({})
  const answer = await broker.call('POST', '/oauth/revoke', { body: { token: body.access_token } })
  expect(answer.status).toBe(200)
})

test.each<[string, Record<string, string | undefined>, string, RegExp]>([
  [
    'a resource of no type',
    { resource: 'acme/web', scope: 'contents:read' },
    'invalid_target',
    /resource begins with one of github:/,
  ],
  [
    'a resource of an unknown type',
    { resource: 'gitlab:acme/web', scope: 'api:read' },
    'invalid_target',
    /begins with one of/,
  ],
  [
    'a resource that nothing serves',
    { resource: 'github:acmee/web', scope: 'contents:read' },
    'invalid_target',
    /did you mean acme\?/,
  ],
  ['a resource without its scope', { resource: 'github:acme/web' }, 'invalid_target', /OWNER\/REPO/],
  [
    'an unknown permission',
    { resource: 'github:acme/web', scope: 'content:read' },
    'invalid_scope',
    /did you mean contents\?/,
  ],
  [
    'a level that there is not',
    { resource: 'github:acme/web', scope: 'contents:reed' },
    'invalid_scope',
    /levels: read, write/,
  ],
  [
    'an audience that is nobody',
    { audience: 'https://elsewhere.example', resource: 'github:acme/web', scope: 'contents:read' },
    'invalid_target',
    /audience is neither/,
  ],
  [
    'a connection that does not serve it',
    { audience: 'aws/acme', resource: 'github:acme/web', scope: 'contents:read' },
    'invalid_target',
    /audience is neither/,
  ],
  ['nothing at all', {}, 'invalid_request', /resource instead of it/],
])('%s is refused in OAuth words', async (_what, asked, error, description) => {
  const answer = await exchange(broker, { ...without, ...asked })
  expectOAuthError(answer, 400, error, 'invalid_request')
  expect(answer.body.error_description).toMatch(description)
  expect(answer.body.error_description).not.toContain('authorization_details.0')
})

test('what policy denies of a resource is invalid_target, with the policies', async () => {
  const asked = { ...without, resource: 'github:acme/docs', scope: 'contents:write' }
  const answer = await exchange(broker, asked)
  expectOAuthError(answer, 400, 'invalid_target', 'policy_denied')
  expect(answer.body.denials).toMatchObject([{ policies: ['docs-are-read-only'] }])
})

test('who is not known learns nothing of what is configured', async () => {
  const before = ledger.entries.length
  for (const audience of ['acme', 'elsewhere']) {
    const asked = {
      ...without,
      subject_token: 'not-a-token',
      audience,
      resource: 'github:acme/web',
      scope: 'contents:read',
    }
    expectOAuthError(await exchange(broker, asked), 400, 'invalid_request', 'invalid_token')
  }
  expect(ledger.entries).toHaveLength(before)
})

test.each([
  ['a name twice', '{"grant_type":"a","grant_type":"b"}'],
  ['a list', '[]'],
  ['no JSON', 'grant_type=x'],
])('a body of JSON with %s is refused', async (_what, body) => {
  const headers = { 'Content-Type': 'application/json' }
  expectOAuthError(
    await broker.call('POST', '/oauth/token', { body, headers }),
    400,
    'invalid_request',
    'invalid_request',
  )
})
