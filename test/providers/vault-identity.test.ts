import { afterAll, expect, test } from 'vitest'
import { NotRunning } from '../../src/provider/services.ts'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { logsIn, mints, revokes } from '../support/vault.ts'
import { connectVault, reader } from '../support/vault-sandbox.ts'

// Signs as the broker would, and publishes the key.
const issuer = await startIssuer(manualClock())
afterAll(() => issuer.close())

const seconds = (n: number) => n * 1000

/** A connection that logs in, to a Vault that knows the key. */
function connectFederated(audience?: string) {
  const signed: string[] = []
  const upstream = connectVault({
    config: { auth: { jwt: { mount: 'jwt', role: 'mayfly' } } },
    context: {
      sign(aud) {
        signed.push(aud)
        return issuer.token({ sub: 'mayfly', aud, ...now() })
      },
      secret: () => {
        throw new Error('there is no secret')
      },
    },
  })
  const now = () => {
    const iat = Math.floor(upstream.clock.now() / 1000)
    return { iat, exp: iat + 300 }
  }
  const role = upstream.sandbox.settings.jwt.roles['mayfly']!
  role.boundAudiences = [audience ?? upstream.config.address]
  Object.assign(upstream.sandbox.settings.jwt, { jwksUrl: `${issuer.url}/jwks`, boundIssuer: issuer.url })
  const logins = () => upstream.requests.filter(logsIn).length
  return { ...upstream, signed, logins, role }
}

test("a login takes a JWT for Vault's address, and no secret", async () => {
  const upstream = connectFederated()
  await upstream.mint()
  expect(upstream.signed).toEqual([upstream.config.address])
  expect(upstream.sent[0]?.path).toBe('auth/jwt/login')
  expect(upstream.sent[0]?.headers.has('x-vault-token')).toBe(false)
})

test('requests that need a login share one', async () => {
  const upstream = connectFederated()
  await Promise.all([upstream.mint(), upstream.mint(), upstream.mint()])
  await upstream.mint()
  expect(upstream.logins()).toBe(1)
})

test('the next login comes before the last one ends', async () => {
  const upstream = connectFederated()
  await upstream.mint()
  await upstream.clock.advance(seconds(700))
  await upstream.mint()
  expect(upstream.logins()).toBe(1)
  await upstream.clock.advance(seconds(100))
  await upstream.mint()
  expect(upstream.logins()).toBe(2)
})

test('a login that died before its time is replaced, once, for all who meet its end', async () => {
  const upstream = connectFederated()
  await upstream.mint()
  await upstream.clock.advance(seconds(30))
  upstream.sandbox.logins().forEach((login) => upstream.sandbox.revoke(login))
  await Promise.all([upstream.mint(), upstream.mint(), upstream.mint()])
  expect(upstream.logins()).toBe(2)
})

test('a login that dies as soon as it is made is replaced too', async () => {
  const upstream = connectFederated()
  await upstream.mint()
  upstream.sandbox.logins().forEach((login) => upstream.sandbox.revoke(login))
  await expect(upstream.mint()).resolves.toBeDefined()
  expect(upstream.logins()).toBe(2)
})

test('a login that does not say when it ends is used until it is refused', async () => {
  const upstream = connectFederated()
  const rewrite = (body: unknown) => {
    const { client_token } = (body as { auth: { client_token: string } }).auth
    return { auth: { client_token } }
  }
  upstream.faults.add({ kind: 'rewrite', on: logsIn, rewrite })
  await upstream.mint()
  await upstream.clock.advance(seconds(1000))
  await expect(upstream.mint()).resolves.toBeDefined()
  expect(upstream.logins()).toBe(2)
})

test('one who learns late that the old login is dead uses the new one', async () => {
  const upstream = connectFederated()
  await upstream.mint()
  await upstream.clock.advance(seconds(30))
  upstream.sandbox.logins().forEach((login) => upstream.sandbox.revoke(login))
  upstream.faults.add({ kind: 'slow', ms: seconds(1), on: mints, times: 1 })
  const late = upstream.mint()
  await upstream.mint()
  await expect(asTimePasses(upstream.clock, late)).resolves.toBeDefined()
  expect(upstream.logins()).toBe(2)
})

test('an accessor that is not known costs no login', async () => {
  const upstream = connectFederated()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(seconds(30))
  const body = { errors: ['1 error occurred:\n\t* invalid accessor\n\n'] }
  upstream.faults.add({ kind: 'status', status: 403, body, on: revokes })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  expect(upstream.logins()).toBe(1)
})

test('what is minted survives the login that minted it', async () => {
  const upstream = connectFederated()
  const { credential } = await upstream.mint()
  upstream.sandbox.logins().forEach((login) => upstream.sandbox.revoke(login))
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(200)
})

test('a refusal for lack of permission does not cost a login each time', async () => {
  const upstream = connectFederated()
  upstream.role.tokenPolicies = ['nothing']
  for (let tries = 0; tries < 5; tries += 1)
    await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  // The first, and the one that might have been let do more.
  expect(upstream.logins()).toBe(2)
})

test('a permission that is granted later counts with the next login', async () => {
  const upstream = connectFederated()
  upstream.role.tokenPolicies = ['nothing']
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  upstream.role.tokenPolicies = ['broker']
  await upstream.clock.advance(seconds(10))
  await expect(upstream.mint()).resolves.toBeDefined()
})

test('a role bound to another audience refuses the login, and nothing is minted', async () => {
  const upstream = connectFederated('https://vault.elsewhere.example')
  await expect(upstream.mint()).rejects.toMatchObject({
    kind: 'rejected',
    maybeDone: false,
    message: expect.stringContaining('audience') as string,
    ofOwnToken: true,
  })
  expect(upstream.requests.filter(mints)).toEqual([])
})

test('a login that is out leaves nothing open: no credential was asked for', async () => {
  const upstream = connectFederated()
  upstream.faults.add({ kind: 'status', status: 500, on: logsIn, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  await expect(upstream.mint()).resolves.toBeDefined()
})

test("one caller's giving up does not end the login that another waits for", async () => {
  const upstream = connectFederated()
  upstream.faults.add({ kind: 'slow', ms: seconds(1), on: logsIn })
  const impatient = new AbortController()
  const first = upstream.mint(reader, {}, { signal: impatient.signal })
  const second = upstream.mint()
  impatient.abort()
  await expect(first).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  await expect(asTimePasses(upstream.clock, second)).resolves.toBeDefined()
  expect(upstream.logins()).toBe(1)
})

test('a JWT that cannot be signed is an outage, not a refusal', async () => {
  const upstream = connectVault({ config: { auth: { jwt: { mount: 'jwt', role: 'mayfly' } } } })
  await expect(upstream.mint()).rejects.toMatchObject({
    kind: 'unavailable',
    maybeDone: false,
    ofOwnToken: false,
  })
  expect(upstream.sent).toEqual([])
})

test('a broker that does not run yet has no key to sign with; a mount that is not there is another matter', async () => {
  const sign = () => Promise.reject(new NotRunning())
  const config = { auth: { jwt: { mount: 'elsewhere', role: 'mayfly' } } }
  await expect(connectVault({ config, context: { sign } }).mint()).rejects.toMatchObject({ ofOwnToken: true })
  const signed = connectVault({ config, context: { sign: () => Promise.resolve('a.b.c') } })
  await expect(signed.mint()).rejects.toMatchObject({
    kind: 'rejected',
    ofOwnToken: false,
  })
})

test('a token from outside may be replaced at any time', async () => {
  let token = 'an-old-token'
  const upstream = connectVault({ context: { secret: () => token } })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  token = upstream.sandbox.token
  await expect(upstream.mint()).resolves.toBeDefined()
})

test('a token that cannot be read any more is an outage', async () => {
  let there = true
  const secret = () => {
    if (there) return 'a-token'
    throw new Error('ENOENT')
  }
  const upstream = connectVault({ context: { secret } })
  there = false
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
})
