import { afterAll, expect, test } from 'vitest'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { defaultSettings } from '../../src/sandbox/vault/settings.ts'
import { manualClock } from '../support/clock.ts'
import { world } from './vault-client.ts'

const clock = manualClock()
const issuer = await startIssuer(clock)
afterAll(() => issuer.close())
const audience = 'https://vault.example'

async function federated(role: object = {}, identityPolicies: string[] = []) {
  const { jwt } = defaultSettings()
  const mayfly = { ...jwt.roles['mayfly']!, boundAudiences: [audience], ...role }
  const given = await world({
    jwt: { jwksUrl: `${issuer.url}/jwks`, boundIssuer: issuer.url, roles: { mayfly }, identityPolicies },
  })
  const logIn = async (claims: object = {}, name = 'mayfly') => {
    const jwtText = await issuer.token({ sub: 'mayfly', aud: audience, ...claims })
    return given.call('auth/jwt/login', { role: name, jwt: jwtText }, '')
  }
  return { ...given, logIn }
}

test('a login has the role’s policies and default, for the role’s time, and an identity', async () => {
  const { logIn } = await federated()
  expect((await logIn()).body.auth).toMatchObject({
    policies: ['broker', 'default'],
    lease_duration: 900,
    entity_id: 'entity-mayfly',
    orphan: true,
  })
})

test.each([
  ['another audience', { aud: 'https://elsewhere.example' }],
  ['no audience', { aud: undefined }],
  ['another subject', { sub: 'somebody' }],
  ['another issuer', { iss: 'https://elsewhere.example' }],
  ['its time over', { exp: Math.floor(clock.now() / 1000) - 61 }],
  ['no end', { exp: undefined }],
])('a login with %s is refused', async (_, claims) => {
  const { logIn } = await federated()
  const { status, body } = await logIn(claims)
  expect(status).toBe(400)
  expect(body.errors[0]).toMatch(/^error validating token/)
})

test('a login with a key that the issuer no longer publishes is refused', async () => {
  const { call } = await federated()
  const jwt = await issuer.token({ sub: 'mayfly', aud: audience })
  await issuer.withdraw()
  expect((await call('auth/jwt/login', { role: 'mayfly', jwt }, '')).status).toBe(400)
})

test('a role that is none is refused', async () => {
  const { logIn } = await federated()
  expect((await logIn({}, '__proto__')).body).toEqual({ errors: ['role "__proto__" could not be found'] })
})

test('an audience that the role does not expect at all is refused', async () => {
  const { logIn } = await federated({ boundAudiences: [] })
  expect((await logIn()).status).toBe(400)
  expect((await logIn({ aud: undefined })).status).toBe(200)
})

test('a child of a login inherits its identity, an orphan does not', async () => {
  const { vault, logIn, create } = await federated({}, ['admin'])
  vault.settings.policies['broker'] = { 'auth/token/create*': ['update', 'sudo'] }
  const { client_token, identity_policies } = (await logIn()).body.auth
  expect(identity_policies).toEqual(['admin'])
  const asked = { policies: ['ci-read'], no_default_policy: true }
  const child = await create(asked, 'auth/token/create', client_token)
  expect(child).toMatchObject({
    policies: ['admin', 'ci-read'],
    token_policies: ['ci-read'],
    identity_policies: ['admin'],
    entity_id: 'entity-mayfly',
  })
  const free = await create(asked, 'auth/token/create-orphan', client_token)
  expect(free).toMatchObject({ policies: ['ci-read'], entity_id: '' })
})

test('logins are counted, and are not in the ledger', async () => {
  const { vault, logIn, ledger } = await federated()
  const { client_token } = (await logIn()).body.auth
  expect(vault.logins()).toEqual([client_token])
  expect(ledger.entries).toEqual([])
  vault.revoke(client_token)
  expect(vault.logins()).toEqual([])
})
