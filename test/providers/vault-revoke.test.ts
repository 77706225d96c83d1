import { expect, test } from 'vitest'
import { endsLease, lists, looksUp, mints, reads, revokes } from '../support/vault.ts'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'

const minute = 60_000
/** As old as a token is once every node has heard of it, so that "there is none" means that it is gone. */
const noLongerNew = 5_000

test('a revoked token is dead, and Vault says so', async () => {
  const upstream = connectVault()
  const { credential, handle } = await upstream.mint()
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(403)
  await expect(upstream.probe(handle)).resolves.toMatchObject({
    result: 'dead',
    method: 'auth/token/lookup-accessor knows no such accessor',
  })
})

test('a dynamic secret works no more once it is revoked: its lease does not wait in the queue', async () => {
  const upstream = connectVault({ settings: { revocationDelay: minute } })
  const { credential, handle } = await upstream.mint(secret)
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  expect(await upstream.logIn(credential['data'])).toBe(false)
  await expect(upstream.probe(handle)).resolves.toMatchObject({
    result: 'gone',
    method: 'sys/leases/lookup knows no such lease',
  })
})

test('a secret that its database does not let go is not called revoked, nor dead', async () => {
  const upstream = connectVault()
  const { credential, handle } = await upstream.mint(secret)
  upstream.sandbox.settings.databaseDown = true
  await expect(upstream.revoke(handle)).resolves.toMatchObject({
    done: false,
    error: { kind: 'unavailable' },
  })
  expect(await upstream.logIn(credential['data'])).toBe(true)
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
  upstream.sandbox.settings.databaseDown = false
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  expect(await upstream.logIn(credential['data'])).toBe(false)
})

test.each([400, 403, 404])('an accessor that Vault does not know (%i) is gone', async (status) => {
  const upstream = connectVault()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(noLongerNew)
  const body = { errors: ['1 error occurred:\n\t* invalid accessor\n\n'] }
  upstream.faults.add({ kind: 'status', status, body, on: revokes })
  upstream.faults.add({ kind: 'status', status, body, on: looksUp })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
})

test('an empty 404 to an accessor says that it is not there', async () => {
  const upstream = connectVault()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(noLongerNew)
  upstream.faults.add({ kind: 'status', status: 404, body: { errors: [] } })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
})

test('an empty 404 does not end a token that Vault still shows', async () => {
  const upstream = connectVault()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(noLongerNew)
  upstream.faults.add({ kind: 'status', status: 404, body: { errors: [] }, on: revokes })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
})

test.each([400, 403, 404])('any other %i says nothing of the credential', async (status) => {
  const upstream = connectVault()
  const { handle } = await upstream.mint()
  upstream.faults.add({ kind: 'status', status, body: { errors: ['permission denied'] } })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
})

test('a broker that may not end leases is told so, and does not call them ended', async () => {
  const upstream = connectVault()
  const { handle } = await upstream.mint(secret)
  delete upstream.sandbox.settings.policies['broker']!['sys/leases/revoke']
  await expect(upstream.revoke(handle)).resolves.toMatchObject({
    done: false,
    error: { kind: 'rejected', message: 'Vault answered 403: the broker may not revoke leases' },
  })
})

test.each([
  ['knows its lease no more', 400, { errors: ['invalid lease'] }],
  ['has no such endpoint', 404, { errors: ['no handler for route'] }],
  ['does not serve the operation', 405, { errors: ['unsupported operation'] }],
])('a secret went with its token where Vault %s', async (_, status, body) => {
  const upstream = connectVault()
  const { credential, handle } = await upstream.mint(secret)
  upstream.faults.add({ kind: 'status', status, body, on: ({ path }) => path.startsWith('/v1/sys/leases/') })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'gone' })
  await upstream.clock.advance(upstream.sandbox.settings.revocationDelay)
  expect(await upstream.logIn(credential['data'])).toBe(false)
})

test('a lease is ended while Vault waits for it, not put on a list', async () => {
  const upstream = connectVault()
  const { handle } = await upstream.mint(secret)
  await upstream.revoke(handle)
  expect(upstream.sent.at(-1)?.body).toEqual({ lease_id: handle['lease'], sync: true })
  upstream.faults.add({ kind: 'status', status: 202, on: endsLease })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false })
})

test('a lost token is found by its lease and ended', async () => {
  const upstream = connectVault()
  await upstream.mint(reader, { leaseId: 'lease_other' })
  upstream.faults.add({ kind: 'reset-after-processing', on: mints, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ maybeDone: true })
  await expect(upstream.recover()).resolves.toEqual({ gone: true })
  expect(upstream.alive()).toMatchObject([{ scope: { meta: { lease: 'lease_other' } } }])
})

test('a lost token that is found but not ended is not called gone', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'reset-after-processing', on: mints, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ maybeDone: true })
  upstream.faults.add({ kind: 'status', status: 503, on: revokes, times: 1 })
  await expect(upstream.recover()).rejects.toMatchObject({ kind: 'unavailable' })
  await expect(upstream.recover()).resolves.toEqual({ gone: true })
})

test('a token that is not there may still come: it is gone only when no mint can be under way', async () => {
  const upstream = connectVault()
  await expect(upstream.recover()).rejects.toMatchObject({ kind: 'unavailable' })
  const createdAt = upstream.clock.now() - minute
  await expect(upstream.recover(reader, { createdAt })).resolves.toEqual({ gone: true })
})

test('where the broker may not look for it, a lost token lives as long as it was made for', async () => {
  const upstream = connectVault()
  const lasting = { gone: false, liveUntil: upstream.clock.now() + 16 * minute }
  const { policies } = upstream.sandbox.settings
  delete policies['broker']!['auth/token/accessors']
  await expect(upstream.recover()).resolves.toEqual(lasting)
  policies['broker'] = { 'auth/token/accessors': ['list', 'sudo'] }
  await expect(upstream.recover()).resolves.toEqual(lasting)
})

test('a lost token is looked for again when Vault is out, until it must have ended', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'status', status: 500, on: lists })
  const deadline = upstream.clock.now() + minute
  await expect(upstream.recover(reader, { deadline })).rejects.toMatchObject({ kind: 'unavailable' })
  await upstream.clock.advance(2 * minute)
  await expect(upstream.recover(reader, { deadline })).resolves.toEqual({
    gone: false,
    liveUntil: deadline + minute,
  })
})

test('among too many tokens none is looked for', async () => {
  const upstream = connectVault()
  upstream.faults.add({
    kind: 'rewrite',
    on: lists,
    rewrite: () => ({ data: { keys: Array.from({ length: 5_001 }, (_, index) => `accessor-${index}`) } }),
  })
  await expect(upstream.recover()).resolves.toMatchObject({ gone: false })
  expect(upstream.requests.filter(looksUp)).toEqual([])
})

test('of a secret whose reading was lost nobody knows the lease: it is not called gone', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'reset-after-processing', on: reads })
  upstream.faults.add({ kind: 'reset', on: revokes, times: 1 })
  await expect(upstream.mint(secret)).rejects.toMatchObject({ maybeDone: true })
  expect(upstream.alive()).toHaveLength(2)
  await expect(upstream.recover(secret)).resolves.toMatchObject({ gone: false })
  await upstream.clock.advance(upstream.sandbox.settings.revocationDelay)
  expect(upstream.alive()).toEqual([])
})

test('what a holder makes with its token ends with it, unless it is an orphan', async () => {
  const upstream = connectVault()
  upstream.sandbox.settings.policies['ci-read']!['auth/token/create'] = ['update']
  upstream.sandbox.settings.policies['ci-read']!['auth/token/create-orphan'] = ['update']
  const { credential, handle } = await upstream.mint()
  const make = async (path: string) => {
    const response = await fetch(`${upstream.config.address}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': String(credential['token']) },
      body: JSON.stringify({ policies: ['ci-read'], ttl: '600s' }),
    })
    return ((await response.json()) as { auth: { client_token: string } }).auth.client_token
  }
  const child = await make('auth/token/create')
  const orphan = await make('auth/token/create-orphan')
  await upstream.revoke(handle)
  expect(await upstream.use(child, 'secret/data/ci/npm')).toBe(403)
  expect(await upstream.use(orphan, 'secret/data/ci/npm')).toBe(200)
})
