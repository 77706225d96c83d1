import { expect, test } from 'vitest'
import type { VaultSettings } from '../../src/sandbox/vault.ts'
import { mints, reads, revokes } from '../support/vault.ts'
import { connectVault, kept, reader, secret } from '../support/vault-sandbox.ts'

const expectText = (text: string) => expect.stringContaining(text) as string

test('a token is an orphan with the policies asked and no others, that cannot be renewed', async () => {
  const upstream = connectVault()
  await upstream.mint()
  expect(upstream.sent).toMatchObject([
    {
      path: 'auth/token/create-orphan',
      body: { policies: ['ci-read'], no_default_policy: true, renewable: false, type: 'service' },
    },
  ])
})

test('a token dies with its task, also without Mayfly, and never later', async () => {
  const upstream = connectVault()
  const deadline = upstream.clock.now() + 90_900
  const { expiresAt, credential } = await upstream.mint(reader, { deadline })
  expect(upstream.sent[0]?.body).toMatchObject({ ttl: '90s', explicit_max_ttl: '90s' })
  expect(expiresAt).toBe(upstream.clock.now() + 90_000)
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(200)
  await upstream.clock.advance(90_000)
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(403)
})

test('an answer may leave out all but the token, its accessor and its policies', async () => {
  const upstream = connectVault()
  const rewrite = (body: unknown) => {
    const { client_token, accessor, policies } = (body as { auth: Record<string, unknown> }).auth
    return { auth: { client_token, accessor, policies } }
  }
  upstream.faults.add({ kind: 'rewrite', on: mints, rewrite })
  const { credential, expiresAt, wider } = await upstream.mint()
  expect({ wider, expiresAt }).toEqual({ wider: undefined, expiresAt: upstream.clock.now() + 900_000 })
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(200)
})

test("a token says in Vault's own records whose lease it is", async () => {
  const upstream = connectVault()
  await upstream.mint()
  const meta = { lease: 'lease_test', task: 'task_test', agent: 'refactor-bot' }
  expect(upstream.sent[0]?.body).toMatchObject({ meta })
})

test('a token comes as `token` and `address`, and its accessor is its name', async () => {
  const { config, ledger, mint, clock } = connectVault()
  const { credential, accessToken, fingerprint, handle } = await mint()
  expect(credential).toEqual({ token: accessToken, address: config.address })
  expect(fingerprint).toBe(ledger.find(accessToken!)?.fingerprint)
  expect(handle).toEqual({ accessor: fingerprint, mintedAt: clock.now() })
})

test('a token does what its policies say, and nothing else', async () => {
  const upstream = connectVault()
  const { credential } = await upstream.mint()
  expect(await upstream.use(credential['token'], 'secret/data/ci/npm')).toBe(200)
  expect(await upstream.use(credential['token'], 'kv/ci')).toBe(403)
  expect(await upstream.use(credential['token'], 'auth/token/lookup-self')).toBe(403)
})

test('with a token role, tokens are made by it', async () => {
  const upstream = connectVault({ config: { token_role: 'mayfly' } })
  await expect(upstream.mint()).resolves.toMatchObject({ expiresAt: upstream.clock.now() + 900_000 })
  expect(upstream.sent).toMatchObject([{ path: 'auth/token/create/mayfly' }])
})

test('a dynamic secret is read with a token that nobody is given', async () => {
  const upstream = connectVault()
  const { credential, accessToken, handle } = await upstream.mint(secret)
  expect(Object.keys(credential)).toEqual(['data'])
  expect(await upstream.logIn(credential['data'])).toBe(true)
  expect(accessToken).toBeUndefined()
  const [token] = upstream.ledger.entries
  expect(token?.scope).toMatchObject({ policies: ['db-readonly'] })
  expect(JSON.stringify([credential, handle])).not.toContain(token?.secret)
})

test('a dynamic secret ends with its lease or with the task, whichever is first', async () => {
  const short = connectVault({ settings: { databaseRoles: { readonly: { defaultTtl: 60 } } } })
  expect((await short.mint(secret)).expiresAt).toBe(short.clock.now() + 60_000)
  const long = connectVault()
  const { credential, expiresAt } = await long.mint(secret)
  expect(expiresAt).toBe(long.clock.now() + 900_000)
  await long.clock.advance(900_000)
  expect(await long.logIn(credential['data'])).toBe(false)
})

test.each([
  ['never ends by itself', 0],
  ['does not say when it ends', undefined],
])('a lease that %s ends with the task', async (_, lease_duration) => {
  const upstream = connectVault()
  const rewrite = (body: unknown) => ({ ...(body as object), lease_duration })
  upstream.faults.add({ kind: 'rewrite', on: reads, rewrite })
  expect((await upstream.mint(secret)).expiresAt).toBe(upstream.clock.now() + 900_000)
})

test.each([
  ['names no lease', (body: unknown) => body],
  ['says nothing of one', (body: unknown) => ({ data: (body as { data: unknown }).data })],
])('what %s is refused, kept to ourselves, and nothing is left behind', async (_, rewrite) => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'rewrite', on: ({ path }) => path === '/v1/kv/ci', rewrite })
  const minted = await upstream.mint(kept)
  expect(minted).toMatchObject({ credential: {}, wider: expectText('no lease') })
  expect(JSON.stringify(minted)).not.toContain('kept for ever')
  await upstream.revoke(minted.handle)
  expect(upstream.alive()).toEqual([])
})

test.each<[string, (settings: VaultSettings) => void, string]>([
  ['its policies do not let it', ({ policies }) => (policies['db-readonly'] = {}), 'rejected'],
  ['the database is down', (settings) => (settings.databaseDown = true), 'unavailable'],
  ['there is no such role', (settings) => (settings.databaseRoles = {}), 'rejected'],
])('where %s, nothing comes of a reading and nothing is left behind', async (_, change, kind) => {
  const upstream = connectVault()
  change(upstream.sandbox.settings)
  await expect(upstream.mint(secret)).rejects.toMatchObject({ kind, maybeDone: false })
  expect(upstream.ledger.entries).toHaveLength(1)
  expect(upstream.alive()).toEqual([])
})

test('a reading whose answer is lost may have made a secret, which goes with its token', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'reset-after-processing', on: reads })
  await expect(upstream.mint(secret)).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
  await upstream.clock.advance(upstream.sandbox.settings.revocationDelay)
  expect(upstream.ledger.entries).toHaveLength(2)
  expect(upstream.alive()).toEqual([])
})

test('a reading that hangs ends with the signal, and its token with it', async () => {
  const upstream = connectVault()
  const limit = new AbortController()
  const on = (request: Parameters<typeof reads>[0]) => {
    if (reads(request)) limit.abort(new DOMException('too late', 'TimeoutError'))
    return reads(request)
  }
  upstream.faults.add({ kind: 'hang', on })
  await expect(upstream.mint(secret, {}, { signal: limit.signal })).rejects.toMatchObject({
    kind: 'unavailable',
    maybeDone: true,
  })
  expect(upstream.alive()).toEqual([])
})

test('a token that cannot be taken back after a failed reading is not forgotten', async () => {
  const upstream = connectVault({ settings: { databaseDown: true } })
  upstream.faults.add({ kind: 'status', status: 503, on: revokes })
  await expect(upstream.mint(secret)).rejects.toMatchObject({ maybeDone: true })
  upstream.faults.clear()
  await upstream.recover(secret)
  expect(upstream.alive()).toEqual([])
})

test('with less than a second left, nothing is asked for', async () => {
  const upstream = connectVault()
  const deadline = upstream.clock.now() + 999
  await expect(upstream.mint(reader, { deadline })).rejects.toMatchObject({ kind: 'rejected' })
  expect(upstream.sent).toEqual([])
})

test('what would be sent is checked once more: no undeclared or crooked path ever reaches Vault', async () => {
  const upstream = connectVault()
  for (const path of ['database/creds/admin', 'database/creds/../../sys/mounts'])
    await expect(upstream.mint({ type: 'vault', path })).rejects.toMatchObject({ kind: 'rejected' })
  for (const policies of [[], ['root'], ['other']])
    await expect(upstream.mint({ type: 'vault', policies })).rejects.toMatchObject({ kind: 'rejected' })
  expect(upstream.sent).toEqual([])
})

test('policies that Vault does not let the broker give are rejected', async () => {
  const upstream = connectVault()
  upstream.sandbox.settings.policies['broker'] = { 'auth/token/create-orphan': ['update'] }
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
  expect(upstream.ledger.entries).toEqual([])
})

test("Vault's waiting time is passed on", async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'status', status: 429, headers: { 'retry-after': '12' }, on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', retryAfter: 12 })
})

test('a token that Vault lets live shorter is known to', async () => {
  const upstream = connectVault({ settings: { maxLeaseTtl: 300 } })
  expect((await upstream.mint()).expiresAt).toBe(upstream.clock.now() + 300_000)
})
