import { expect, test } from 'vitest'
import { connectVault, secret } from '../support/vault-sandbox.ts'
import { mints, reads } from '../support/vault.ts'

test.each([
  ['no token', { client_token: undefined }],
  ['a token that is not text', { client_token: 7 }],
  ['a token with a line break', { client_token: 'hvs.x\r\nx-injected: 1' }],
  ['a token of more than 8 KiB', { client_token: 'x'.repeat(8193) }],
  ['no accessor', { accessor: undefined }],
  ['an accessor with a space', { accessor: 'a b' }],
  ['a life of half a second', { lease_duration: 0.5 }],
  ["another lease's token", { metadata: { lease: 'lease_of_another' } }],
])('an answer with %s is not a token, though one may exist', async (_, change) => {
  const upstream = connectVault()
  upstream.faults.add({
    kind: 'rewrite',
    on: mints,
    rewrite: (body) => ({ auth: { ...(body as { auth: object }).auth, ...change } }),
  })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
})

test.each([201, 202, 204])('an answer %i to a mint is not a token, though one may exist', async (status) => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'status', status, on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
})

test.each([
  ['a lease that is no text', { lease_id: 7 }],
  ['a life of half a second', { lease_duration: 0.5 }],
  ['data that are none', { data: 'password' }],
])('an answer with %s is not a secret, though one may exist', async (_, change) => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'rewrite', on: reads, rewrite: (body) => ({ ...(body as object), ...change }) })
  await expect(upstream.mint(secret)).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
  await upstream.clock.advance(upstream.sandbox.settings.revocationDelay)
  expect(upstream.alive()).toEqual([])
})
