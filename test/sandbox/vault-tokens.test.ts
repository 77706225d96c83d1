import { expect, test } from 'vitest'
import { orphan, world } from './vault-client.ts'

const npm = 'secret/data/ci/npm'

test('a token is in the ledger, with its accessor for a name', async () => {
  const { create, ledger, clock } = await world()
  const { client_token, accessor } = await create({ policies: ['ci-read'], ttl: '90s' })
  expect(ledger.entries).toMatchObject([
    { provider: 'vault', secret: client_token, fingerprint: accessor, expiresAt: clock.now() + 90_000 },
  ])
})

test("the broker's own token is not in the ledger", async () => {
  const { ledger, call } = await world()
  expect((await call('auth/token/accessors?list=true')).status).toBe(200)
  expect(ledger.entries).toEqual([])
})

test('a token without policies named has all of its parent’s', async () => {
  const { create } = await world()
  expect((await create({})).policies).toEqual(['broker'])
})

test('a token gets the default policy unless it is not wanted', async () => {
  const { create } = await world()
  expect((await create()).policies).toEqual(['ci-read', 'default'])
  expect((await create({ policies: ['ci-read'], no_default_policy: true })).policies).toEqual(['ci-read'])
})

test('without sudo, a token has only policies that its parent has', async () => {
  const policies = { maker: { [orphan]: ['update' as const] } }
  const { call } = await world({ policies, brokerPolicies: ['maker', 'ci-read'] })
  expect(await call(orphan, { policies: ['ci-read'] })).toMatchObject({ status: 200 })
  expect(await call(orphan, { policies: ['ci-write'] })).toEqual({
    status: 400,
    body: { errors: ['child policies must be subset of parent'] },
  })
})

test('nobody but root makes root', async () => {
  const { call } = await world()
  const { status, body } = await call(orphan, { policies: ['root'] })
  expect(status).toBe(400)
  expect(body.errors[0]).toContain('root tokens may not be created')
})

test('a role gives no more than it allows', async () => {
  const { call, create } = await world()
  expect((await create({ policies: ['ci-read'] }, 'auth/token/create/mayfly')).orphan).toBe(true)
  expect((await call('auth/token/create/mayfly', { policies: ['kv-read'] })).status).toBe(400)
  expect((await call('auth/token/create/nobody', { policies: ['ci-read'] })).status).toBe(400)
})

test('a role that makes batch tokens cannot make one with an explicit end', async () => {
  const batch = { orphan: true, allowedPolicies: ['ci-read'], tokenType: 'batch' as const }
  const { call } = await world({ tokenRoles: { batch } })
  const { status, body } = await call('auth/token/create/batch', { explicit_max_ttl: '60s' })
  expect([status, body.errors[0]]).toEqual([400, 'batch tokens cannot have "explicit_max_ttl" set'])
})

test.each([
  ['what is asked', { ttl: '10m' }, 600],
  ['the explicit end', { ttl: '10m', explicit_max_ttl: '5m' }, 300],
  ['the default', {}, 7200],
  ['the default, up to the explicit end', { explicit_max_ttl: 60 }, 60],
  ['the longest', { ttl: '9h' }, 14_400],
])('a token lives for %s', async (_, asked, seconds) => {
  const { create } = await world({ defaultLeaseTtl: 7200, maxLeaseTtl: 14_400 })
  expect((await create({ policies: ['ci-read'], ...asked })).lease_duration).toBe(seconds)
})

test('a token is dead from the moment on that its life is over', async () => {
  const { create, call, clock } = await world()
  const { client_token, accessor } = await create({ policies: ['ci-read'], ttl: '60s' })
  await clock.advance(59_999)
  expect((await call(npm, undefined, client_token)).status).toBe(200)
  await clock.advance(1)
  expect(await call(npm, undefined, client_token)).toEqual({
    status: 403,
    body: { errors: ['permission denied'] },
  })
  expect((await call('auth/token/lookup-accessor', { accessor })).status).toBe(400)
})

test('a child dies with its parent, an orphan does not', async () => {
  const { vault, create, call } = await world()
  vault.settings.policies['maker'] = { 'auth/token/create*': ['update', 'sudo'] }
  const parent = (await create({ policies: ['maker'] })).client_token
  const child = (await create({ policies: ['ci-read'] }, 'auth/token/create', parent)).client_token
  const free = (await create({ policies: ['ci-read'] }, orphan, parent)).client_token
  vault.revoke(parent)
  expect((await call(npm, undefined, child)).status).toBe(403)
  expect((await call(npm, undefined, free)).status).toBe(200)
})

test('a child has no longer life than its parent', async () => {
  const { vault, create, ledger } = await world()
  vault.settings.policies['maker'] = { 'auth/token/create': ['update', 'sudo'] }
  const parent = await create({ policies: ['maker'], ttl: '60s' })
  const child = await create({ policies: ['ci-read'] }, 'auth/token/create', parent.client_token)
  expect(child.orphan).toBe(false)
  expect(ledger.find(child.client_token)?.expiresAt).toBe(ledger.find(parent.client_token)?.expiresAt)
})

test('an accessor finds a token, without telling it, and ends it', async () => {
  const { create, call, clock, ledger } = await world()
  const { client_token, accessor } = await create({ policies: ['ci-read'], meta: { lease: 'l' } })
  const { body } = await call('auth/token/lookup-accessor', { accessor })
  expect(body.data).toMatchObject({ accessor, id: '', meta: { lease: 'l' }, orphan: true })
  expect(await call('auth/token/revoke-accessor', { accessor })).toEqual({ status: 204, body: '' })
  expect(ledger.find(client_token)?.revokedAt).toBe(clock.now())
  const again = await call('auth/token/revoke-accessor', { accessor })
  expect(again).toMatchObject({ status: 200, body: { warnings: ['No token found with this accessor'] } })
})

test('accessors are listed to who may, and only those of the living', async () => {
  const { vault, create, call } = await world()
  const { accessor, client_token } = await create()
  expect((await call('auth/token/accessors?list=1')).body.data.keys).toContain(accessor)
  vault.revoke(client_token)
  expect((await call('auth/token/accessors?list=1')).body.data.keys).not.toContain(accessor)
  vault.settings.policies['broker']!['auth/token/accessors'] = ['list']
  expect((await call('auth/token/accessors?list=1')).status).toBe(403)
})

test('uses and refusals of a token are counted', async () => {
  const { create, call, ledger } = await world()
  const { client_token } = await create()
  await call(npm, undefined, client_token)
  await call('kv/ci', undefined, client_token)
  expect(ledger.find(client_token)).toMatchObject({ uses: 1, refusals: 1 })
})

test('what the sandbox does not do it refuses, where Vault would do it', async () => {
  const { call } = await world()
  for (const more of [{ period: '1h' }, { num_uses: 1 }, { id: 'mine' }, { no_parent: true }])
    expect((await call(orphan, { policies: ['ci-read'], ...more })).status).toBe(400)
})

test('a namespace is asked for by its name, and there is no other', async () => {
  const { vault } = await world({ namespace: 'team-a' })
  const status = async (namespace?: string) =>
    (
      await fetch(`${vault.url}/v1/auth/token/accessors?list=1`, {
        headers: { 'x-vault-token': vault.token, ...(namespace && { 'x-vault-namespace': namespace }) },
      })
    ).status
  expect(await status('team-a')).toBe(200)
  expect(await status('team-a/')).toBe(200)
  expect(await status('team-b')).toBe(404)
  expect(await status()).toBe(404)
})

test('health is told to anyone', async () => {
  const { call } = await world()
  expect(await call('sys/health', undefined, '')).toMatchObject({ status: 200, body: { sealed: false } })
})
