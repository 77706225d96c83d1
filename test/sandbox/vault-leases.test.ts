import { expect, test } from 'vitest'
import { world } from './vault-client.ts'

const path = 'database/creds/readonly'
const reader = { policies: ['db-readonly'], no_default_policy: true, ttl: '10m', explicit_max_ttl: '10m' }

async function read(settings?: Parameters<typeof world>[0]) {
  const given = await world(settings)
  const { client_token: token, accessor } = await given.create(reader)
  const { body } = await given.call(path, undefined, token)
  return {
    ...given,
    token,
    accessor,
    lease: body.lease_id as string,
    life: body.lease_duration,
    data: body.data,
  }
}

test('a user that was made can log in, by its own password', async () => {
  const { data, logIn, lease } = await read()
  expect(lease).toMatch(/^database\/creds\/readonly\/\w+$/)
  expect(await logIn(data)).toBe(true)
  expect(await logIn({ ...data, password: 'guessed' })).toBe(false)
  expect(await logIn({ username: 'nobody', password: '' })).toBe(false)
})

test('each reading makes a user of its own', async () => {
  const { call, token, data } = await read()
  expect((await call(path, undefined, token)).body.data.username).not.toBe(data.username)
})

test('a lease is named for its full time, but ends with its token', async () => {
  const { life, data, clock, logIn } = await read()
  expect(life).toBe(3600)
  await clock.advance(600_000)
  expect(await logIn(data)).toBe(false)
})

test('a lease that is shorter than its token ends first', async () => {
  const { data, clock, logIn, call, lease } = await read({ databaseRoles: { readonly: { defaultTtl: 60 } } })
  await clock.advance(60_000)
  expect(await logIn(data)).toBe(false)
  expect((await call('sys/leases/lookup', { lease_id: lease })).body).toEqual({ errors: ['invalid lease'] })
})

test('the end of a token puts its leases in a queue', async () => {
  const { call, accessor, clock, data, logIn } = await read({ revocationDelay: 5_000 })
  await call('auth/token/revoke-accessor', { accessor })
  expect(await logIn(data)).toBe(true)
  await clock.advance(5_000)
  expect(await logIn(data)).toBe(false)
})

test('a lease is ended at once for who waits, and by the queue for who does not', async () => {
  const first = await read()
  expect((await first.call('sys/leases/revoke', { lease_id: first.lease, sync: true })).status).toBe(204)
  expect(await first.logIn(first.data)).toBe(false)
  const second = await read()
  expect((await second.call('sys/leases/revoke', { lease_id: second.lease })).status).toBe(202)
  expect(await second.logIn(second.data)).toBe(true)
  await second.clock.advance(1_000)
  expect(await second.logIn(second.data)).toBe(false)
})

test('a lease that is over, or never was, is ended without complaint', async () => {
  const { call } = await world()
  expect((await call('sys/leases/revoke', { lease_id: 'database/creds/x/y', sync: true })).status).toBe(204)
})

test('with its database down a lease cannot be ended, and the user stays', async () => {
  const { vault, call, lease, accessor, clock, data, logIn } = await read()
  vault.settings.databaseDown = true
  expect((await call('sys/leases/revoke', { lease_id: lease, sync: true })).status).toBe(400)
  await call('auth/token/revoke-accessor', { accessor })
  await clock.advance(60_000)
  expect(await logIn(data)).toBe(true)
  expect((await call('sys/leases/lookup', { lease_id: lease })).status).toBe(200)
})

test('with its database down nothing is made', async () => {
  const { create, call, ledger } = await world({ databaseDown: true })
  const { client_token } = await create(reader)
  expect((await call(path, undefined, client_token)).status).toBe(500)
  expect(ledger.entries).toHaveLength(1)
})

test('a role that is none makes no user', async () => {
  const policies = { all: { 'database/*': ['read' as const] } }
  const { call } = await world({ policies, brokerPolicies: ['all'] })
  expect((await call('database/creds/none')).body).toEqual({ errors: ['unknown role: none'] })
})

test('a user is in the ledger under the accessor of the token that read it', async () => {
  const { ledger, accessor, data, logIn } = await read()
  await logIn(data)
  await logIn({ ...data, password: 'guessed' })
  expect(ledger.find(data.password)).toMatchObject({
    fingerprint: accessor,
    scope: { path, accessor },
    uses: 1,
    refusals: 1,
  })
})

test.each([
  ['kv/ci', { password: 'kept for ever' }],
  ['secret/data/ci/npm', { data: { token: 'kept for ever' } }],
])('a key-value secret (%s) has no lease', async (secret, data) => {
  const { call, create } = await world()
  const { client_token } = await create({ policies: ['kv-read', 'ci-read'] })
  const { body } = await call(secret, undefined, client_token)
  expect(body).toMatchObject({ lease_id: '', renewable: false, data })
})
