import { createAppAuth } from '@octokit/auth-app'
import { request } from '@octokit/request'
import { generateKeyPairSync } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { startGithub } from '../../src/sandbox/github.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { appJwt, mintPath, world, type World } from './client.ts'

/** The status and message of `GET /app` under a JWT with these claims, in seconds from now. */
async function appWith({ github, clock, call }: World, claims: Record<string, unknown>) {
  const { status, body } = await call('GET', '/app', `Bearer ${await appJwt(github, clock.now(), claims)}`)
  return status === 200 ? 'accepted' : `${status} ${body.message}`
}

const undecodable = '401 A JSON web token could not be decoded'
const expired = expect.stringContaining("401 'Expiration time' claim ('exp') must be a numeric value")
const tooFar = "401 'Expiration time' claim ('exp') is too far in the future"
const early = expect.stringContaining("401 'Issued at' claim ('iat') must be an Integer")

test("the app's JWT names it by number or by string", async () => {
  const sandbox = await world()
  const { appId } = sandbox.github
  expect(await appWith(sandbox, { iss: appId })).toBe('accepted')
  expect(await appWith(sandbox, { iss: String(appId) })).toBe('accepted')
  expect(await appWith(sandbox, { iss: appId + 1 })).toBe(undecodable)
  expect(await appWith(sandbox, { iss: undefined })).toBe(undecodable)
})

test("the app's JWT lives ten minutes at most", async () => {
  const sandbox = await world()
  const now = sandbox.clock.now() / 1000
  expect(await appWith(sandbox, { exp: now + 660 })).toBe('accepted')
  expect(await appWith(sandbox, { exp: now + 661 })).toBe(tooFar)
  expect(await appWith(sandbox, { exp: now })).toEqual(expired)
  expect(await appWith(sandbox, { exp: undefined })).toEqual(expired)
  expect(await appWith(sandbox, { exp: 'soon' })).toEqual(expired)
})

test("the app's JWT was not issued in the future", async () => {
  const sandbox = await world()
  const now = sandbox.clock.now() / 1000
  expect(await appWith(sandbox, { iat: now + 60 })).toBe('accepted')
  expect(await appWith(sandbox, { iat: now + 61 })).toEqual(early)
  expect(await appWith(sandbox, { iat: undefined })).toEqual(early)
  expect(await appWith(sandbox, { iat: now - 0.5 })).toEqual(early)
})

test('a JWT that was accepted is accepted no longer than its own exp', async () => {
  const { github, clock, call } = await world()
  const jwt = await appJwt(github, clock.now())
  expect((await call('GET', '/app', `Bearer ${jwt}`)).status).toBe(200)
  await clock.advance(539_999)
  expect((await call('GET', '/app', `Bearer ${jwt}`)).status).toBe(200)
  await clock.advance(1)
  expect((await call('GET', '/app', `Bearer ${jwt}`)).status).toBe(401)
})

test('a JWT of another key, or with another algorithm, is refused', async () => {
  const { github, clock, call } = await world()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const forged = await appJwt({ appId: github.appId, privateKey: stranger }, clock.now())
  const [header, payload, signature] = (await appJwt(github, clock.now())).split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  for (const jwt of [
    forged,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
    `${header}.${payload}`,
  ]) {
    expect((await call('GET', '/app', `Bearer ${jwt}`)).status).toBe(401)
  }
})

test('what the app calls as itself takes neither no token nor an installation token', async () => {
  const { call, mint } = await world()
  const token = await mint()
  const paths = ['/app', '/repos/acme/web/installation', '/orgs/acme/installation', '/app/installations/5001']
  for (const path of paths) {
    expect((await call('GET', path)).status).toBe(401)
    expect((await call('GET', path, `token ${token}`)).status).toBe(401)
  }
  expect((await call('POST', mintPath, `token ${token}`, {})).status).toBe(401)
})

test.each([-3_600_000, 3_600_000])('a client whose clock is off by %i ms corrects itself', async (skew) => {
  const clock = manualClock(Date.now() + skew)
  const github = await startGithub(clock, createLedger(clock))
  onTestFinished(() => github.close())
  const { appId, privateKey, url } = github
  const auth = createAppAuth({ appId, privateKey, request, log: { ...console, warn: () => {} } })
  const api = request.defaults({ baseUrl: url, request: { hook: auth.hook.bind(auth) } })
  const { data } = await api('POST /app/installations/{installation_id}/access_tokens', {
    installation_id: 5001,
    repositories: ['web'],
    permissions: { contents: 'read' },
  })
  expect(Date.parse(data.expires_at)).toBe(Math.floor(clock.now() / 1000) * 1000 + 3_600_000)
})

test("every answer has the server's own time", async () => {
  const { asApp, call, clock } = await world()
  const date = new Date(clock.now()).toUTCString()
  expect((await asApp('GET', '/app')).headers.get('date')).toBe(date)
  expect((await call('GET', '/nowhere')).headers.get('date')).toBe(date)
})

test('an installation is found by repository, owner and id, in whatever case', async () => {
  const { asApp } = await world()
  const paths = ['/repos/ACME/Web/installation', '/orgs/acme/installation', '/users/acme/installation']
  for (const path of [...paths, '/app/installations/5001']) {
    expect((await asApp('GET', path)).body).toMatchObject({
      id: 5001,
      app_id: 424242,
      account: { login: 'acme', type: 'Organization' },
      permissions: { contents: 'write', administration: 'read' },
      suspended_at: null,
    })
  }
})

test('what the app is not installed on is not found', async () => {
  const { asApp } = await world()
  const paths = ['/repos/acme/nope/installation', '/repos/else/web/installation', '/orgs/else/installation']
  for (const path of [...paths, '/app/installations/5002', '/app/installations/x']) {
    const { status, body } = await asApp('GET', path)
    expect([status, body.message]).toEqual([404, 'Not Found'])
  }
})

test('a user is not found among organizations', async () => {
  const { asApp } = await world({ ownerType: 'User' })
  expect((await asApp('GET', '/orgs/acme/installation')).status).toBe(404)
  expect((await asApp('GET', '/users/acme/installation')).status).toBe(200)
})

test('an unknown path is not found, in the shape of all refusals', async () => {
  const { call } = await world()
  const { status, body } = await call('GET', '/nowhere')
  expect(status).toBe(404)
  expect(body).toEqual({ message: 'Not Found', documentation_url: expect.any(String), status: '404' })
})
