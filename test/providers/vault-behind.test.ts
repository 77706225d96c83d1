/** A node that is behind the others: asked again within seconds, and believed only then. */
import { afterAll, expect, test } from 'vitest'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import type { Standby } from '../../src/sandbox/vault/settings.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { mints, revokes } from '../support/vault.ts'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'

const issuer = await startIssuer(manualClock())
afterAll(() => issuer.close())

/** A connection to a standby, whose login is as new to it as any token. */
function connectStandby(standby: Partial<Standby> = {}) {
  const upstream = connectVault({
    settings: { standby: { lag: 500, answers: 412, tellsIndex: false, ...standby } },
    config: { auth: { jwt: { mount: 'jwt', role: 'mayfly' } } },
    context: {
      sign(aud) {
        const iat = Math.floor(upstream.clock.now() / 1000)
        return issuer.token({ sub: 'mayfly', aud, iat, exp: iat + 300 })
      },
    },
  })
  const { jwt } = upstream.sandbox.settings
  jwt.roles['mayfly']!.boundAudiences = [upstream.config.address]
  Object.assign(jwt, { jwksUrl: `${issuer.url}/jwks`, boundIssuer: issuer.url })
  const intime = <T>(work: Promise<T>) => asTimePasses(upstream.clock, work)
  return { ...upstream, intime }
}

test.each([
  { answers: 412, detail: reader },
  { answers: 412, detail: secret },
  { answers: 403, detail: reader },
  { answers: 403, detail: secret },
] as const)(
  'a login and a token that a standby answers $answers at first serve their turn: $detail',
  async ({ answers, detail }) => {
    const upstream = connectStandby({ answers })
    const { handle } = await upstream.intime(upstream.mint(detail))
    await expect(upstream.intime(upstream.revoke(handle))).resolves.toEqual({ done: true })
    // The lease is as new as the revocation: where the node has not heard of it, it goes by the queue.
    await upstream.clock.advance(upstream.sandbox.settings.revocationDelay)
    expect(upstream.alive()).toEqual([])
    expect(['dead', 'gone']).toContain((await upstream.probe(handle)).result)
  },
)

test('a token that a standby does not know yet is not taken for gone, nor for dead', async () => {
  const upstream = connectStandby()
  const { handle } = await upstream.intime(upstream.mint())
  expect(upstream.alive()).toHaveLength(1)
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
  await upstream.intime(upstream.revoke(handle))
  expect(upstream.requests.filter(revokes).length).toBeGreaterThan(1)
  expect(upstream.alive()).toEqual([])
})

test('giving up while a token may not be known yet does not end it', async () => {
  const upstream = connectVault({ settings: { standby: { lag: 500, answers: 412, tellsIndex: false } } })
  const { handle } = await upstream.mint()
  const limit = new AbortController()
  const outcome = upstream.connection.revoke([handle], {
    standing: () => Promise.resolve([]),
    signal: limit.signal,
  })
  await upstream.clock.advance(0)
  limit.abort(new DOMException('too late', 'TimeoutError'))
  await expect(asTimePasses(upstream.clock, outcome)).resolves.toMatchObject([
    { done: false, error: { kind: 'unavailable' } },
  ])
})

test('a lost token that is found is ended, though the node that is told has not heard of it', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'reset-after-processing', on: mints, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ maybeDone: true })
  const warning = { warnings: ['No token found with this accessor'] }
  upstream.faults.add({ kind: 'status', status: 200, body: warning, on: revokes, times: 2 })
  await expect(asTimePasses(upstream.clock, upstream.recover())).resolves.toEqual({ gone: true })
  expect(upstream.alive()).toEqual([])
})

test('a node that stays behind is an outage, never a refusal, and has done nothing', async () => {
  const upstream = connectStandby({ lag: 3_600_000 })
  await expect(upstream.intime(upstream.mint())).rejects.toMatchObject({
    kind: 'unavailable',
    maybeDone: false,
  })
  const { clock } = upstream
  const { handle } = await connectVault().mint()
  upstream.sandbox.settings.standby = { lag: 3_600_000, answers: 412, tellsIndex: false }
  const outcome = upstream.revoke(handle)
  await expect(asTimePasses(clock, outcome)).resolves.toMatchObject({
    done: false,
    error: { kind: 'unavailable' },
  })
})

test('what has changed is said along, so that no node answers that has not heard of it', async () => {
  const upstream = connectStandby({ tellsIndex: true })
  const { handle } = await upstream.intime(upstream.mint(secret))
  upstream.sent.length = 0
  await upstream.intime(upstream.revoke(handle))
  expect(upstream.sent.every(({ headers }) => headers.has('x-vault-index'))).toBe(true)
  // Its end is as new to the node as its beginning was: it says so rather than `live`.
  await expect(upstream.intime(upstream.probe(handle))).resolves.toMatchObject({ result: 'gone' })
})

test('what no node ever reaches, as after a restored backup, is not waited for twice', async () => {
  const upstream = connectVault({ settings: { standby: { lag: 0, answers: 412, tellsIndex: true } } })
  await upstream.mint()
  const { settings } = upstream.sandbox
  const { standby } = settings
  settings.standby = { ...standby, lag: Infinity }
  await expect(asTimePasses(upstream.clock, upstream.mint())).rejects.toMatchObject({ kind: 'unavailable' })
  settings.standby = standby
  upstream.sent.length = 0
  await upstream.mint()
  expect(upstream.sent[0]?.headers.has('x-vault-index')).toBe(false)
})
