import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { manualClock } from '../support/clock.ts'

async function world() {
  const clock = manualClock()
  const issuer = await startIssuer(clock)
  onTestFinished(() => issuer.close())
  return { issuer, clock }
}

/** As a verifier does that has just been started: through discovery, with nothing cached. */
async function verify({ issuer, clock }: Awaited<ReturnType<typeof world>>, token: string) {
  const discovery = await getJson(`${issuer.url}/.well-known/openid-configuration`)
  return jwtVerify(token, createRemoteJWKSet(new URL(discovery['jwks_uri'] as string)), {
    issuer: discovery['issuer'] as string,
    currentDate: new Date(clock.now()),
  })
}

async function getJson(url: string, headers: Record<string, string> = {}) {
  return (await (await fetch(url, { headers })).json()) as Record<string, unknown>
}

test('a token verifies against the keys that discovery leads to', async () => {
  const sandbox = await world()
  const token = await sandbox.issuer.token({ sub: 'job', aud: 'mayfly' })
  const { payload } = await verify(sandbox, token)
  const now = sandbox.clock.now() / 1000
  expect(payload).toMatchObject({
    iss: sandbox.issuer.url,
    sub: 'job',
    aud: 'mayfly',
    iat: now,
    exp: now + 300,
  })
})

test('no two tokens share a jti', async () => {
  const { issuer } = await world()
  const ids = await Promise.all(Array.from({ length: 20 }, async () => decodeJwt(await issuer.token()).jti))
  expect(new Set(ids).size).toBe(20)
})

test('a claim replaces the default, and is left out when undefined', async () => {
  const { issuer } = await world()
  const claims = decodeJwt(await issuer.token({ iss: 'https://else.test', exp: undefined, jti: undefined }))
  expect(claims.iss).toBe('https://else.test')
  expect(Object.keys(claims)).toEqual(['iss', 'iat'])
})

test.each(['RS256', 'ES256', 'EdDSA'] as const)('tokens signed with %s verify', async (algorithm) => {
  const sandbox = await world()
  sandbox.issuer.settings.algorithm = algorithm
  const { protectedHeader } = await verify(sandbox, await sandbox.issuer.token())
  expect(protectedHeader.alg).toBe(algorithm)
})

test('after rotation the old tokens still verify, and new ones carry a new kid', async () => {
  const sandbox = await world()
  const old = await sandbox.issuer.token()
  await sandbox.issuer.rotate()
  const fresh = await sandbox.issuer.token()
  expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old).kid)
  await verify(sandbox, old)
  await verify(sandbox, fresh)
})

test('after withdrawal the old tokens no longer verify', async () => {
  const sandbox = await world()
  const old = await sandbox.issuer.token()
  await sandbox.issuer.withdraw()
  await expect(verify(sandbox, old)).rejects.toThrow('no applicable key')
  await verify(sandbox, await sandbox.issuer.token())
  expect(sandbox.issuer.publicJwks().keys).toHaveLength(1)
})

test('the header says what it is told to, whatever the signature is', async () => {
  const { issuer } = await world()
  const header = { alg: 'none', kid: undefined, jku: 'https://else.test/keys', crit: ['b64'] }
  const token = await issuer.token({}, { header })
  expect(decodeProtectedHeader(token)).toEqual({
    alg: 'none',
    typ: 'JWT',
    jku: 'https://else.test/keys',
    crit: ['b64'],
  })
  expect(token.split('.')[2]).toHaveLength(342)
})

test('discovery and key set can be told to lie', async () => {
  const { issuer } = await world()
  issuer.settings.discovery = { issuer: 'https://else.test', jwks_uri: undefined }
  issuer.settings.jwks = { keys: [] }
  const discovery = await getJson(`${issuer.url}/.well-known/openid-configuration`)
  expect(discovery['issuer']).toBe('https://else.test')
  expect(discovery).not.toHaveProperty('jwks_uri')
  expect(await getJson(`${issuer.url}/jwks`)).toEqual({ keys: [] })
  expect(issuer.publicJwks().keys).toHaveLength(1)
})

test('a published key holds nothing private', async () => {
  const { issuer } = await world()
  issuer.settings.algorithm = 'ES256'
  await issuer.token()
  for (const key of issuer.publicJwks().keys) expect(key).not.toHaveProperty('d')
})

test('a job gets a token with its claims for the audience that it asks for', async () => {
  const sandbox = await world()
  const job = sandbox.issuer.actions({ sub: 'repo:acme/web:ref:refs/heads/main', repository_owner: 'acme' })
  const { value } = await getJson(`${job.url}&audience=mayfly`, {
    authorization: `bearer ${job.requestToken}`,
  })
  const { payload } = await verify(sandbox, value as string)
  expect(payload).toMatchObject({ sub: 'repo:acme/web:ref:refs/heads/main', aud: 'mayfly' })
})

test("without an audience, a job's token is for its repository's owner", async () => {
  const { issuer } = await world()
  const job = issuer.actions({ repository_owner: 'acme' })
  const { value } = await getJson(job.url, { authorization: `Bearer ${job.requestToken}` })
  expect(decodeJwt(value as string).aud).toBe('https://github.com/acme')
})

test.each(['', 'bearer', 'bearer unknown', 'basic %'])(
  'a job is not known by "%s"',
  async (authorization) => {
    const { issuer } = await world()
    const job = issuer.actions({ sub: 'job' })
    const headers = { authorization: authorization.replace('%', job.requestToken) }
    expect((await fetch(`${job.url}&audience=mayfly`, { headers })).status).toBe(401)
  },
)
