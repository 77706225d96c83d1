/** What could not be taken back is not minted. */
import { expect, test } from 'vitest'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'
import { revokes } from '../support/vault.ts'

const minute = 60_000
const words = (text: string) => expect.stringContaining(text) as string
const noTokens = { kind: 'rejected', maybeDone: false, message: words('may not revoke tokens') }
const noLeases = { kind: 'rejected', maybeDone: false, message: words('may not revoke leases') }

/** A connection, and the rights of its broker that a test takes away. */
function connect() {
  const upstream = connectVault()
  const rights = upstream.sandbox.settings.policies['broker']!
  const learn = () =>
    upstream.connection.maintain!({
      standing: () => Promise.resolve([]),
      signal: new AbortController().signal,
    })
  return { ...upstream, rights, learn }
}

test('a broker that may not revoke tokens learns so at the start, and mints nothing', async () => {
  const { rights, learn, mint, ledger } = connect()
  delete rights['auth/token/revoke-accessor']
  await learn()
  for (const detail of [reader, secret]) await expect(mint(detail)).rejects.toMatchObject(noTokens)
  expect(ledger.entries).toEqual([])
})

test('one that may not revoke leases reads no secret, and mints tokens', async () => {
  const { rights, learn, mint } = connect()
  delete rights['sys/leases/revoke']
  await learn()
  await expect(mint(secret)).rejects.toMatchObject(noLeases)
  await expect(mint(reader)).resolves.toMatchObject({ credential: { token: expect.any(String) } })
})

test('a right that nothing declared needs is not asked for', async () => {
  const upstream = connectVault({ config: { paths: [] } })
  delete upstream.sandbox.settings.policies['broker']!['sys/leases/revoke']
  const learn = () =>
    upstream.connection.maintain!({
      standing: () => Promise.resolve([]),
      signal: new AbortController().signal,
    })
  await learn()
  expect(upstream.sent.map(({ body }) => body)).toEqual([{ paths: ['auth/token/revoke-accessor'] }])
  await learn()
  expect(upstream.sent).toHaveLength(1)
})

test('one that loses the right learns so when it first fails, and has it again when it first succeeds', async () => {
  const { rights, mint, revoke } = connect()
  const { handle } = await mint()
  delete rights['auth/token/revoke-accessor']
  await expect(revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(mint()).rejects.toMatchObject(noTokens)
  rights['auth/token/revoke-accessor'] = ['update']
  await expect(revoke(handle)).resolves.toEqual({ done: true })
  await expect(mint()).resolves.toBeDefined()
})

test('so with leases', async () => {
  const { rights, mint, revoke } = connect()
  const { handle } = await mint(secret)
  delete rights['sys/leases/revoke']
  await expect(revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(mint(secret)).rejects.toMatchObject(noLeases)
})

test('a right that is given back is found within a minute, and what is had is not asked about again', async () => {
  const { rights, learn, mint, sent } = connect()
  delete rights['auth/token/revoke-accessor']
  await learn()
  await expect(mint()).rejects.toMatchObject(noTokens)
  rights['auth/token/revoke-accessor'] = ['update']
  await learn()
  await expect(mint()).resolves.toBeDefined()
  sent.length = 0
  await learn()
  expect(sent).toEqual([])
})

test('where Vault does not tell, nothing is refused beforehand, nor for ever', async () => {
  const { rights, learn, mint, revoke, clock } = connect()
  delete rights['sys/capabilities-self']
  await learn()
  const { handle } = await mint()
  delete rights['auth/token/revoke-accessor']
  await revoke(handle)
  await expect(mint()).rejects.toMatchObject(noTokens)
  await clock.advance(10 * minute)
  await expect(mint()).resolves.toBeDefined()
})

test.each([
  ['a proxy', { message: 'forbidden' }],
  ["a Vault that no longer knows the broker's token", { errors: ['permission denied'] }],
])('a 403 of %s says nothing of what the broker may do', async (_, body) => {
  const { faults, mint, revoke } = connect()
  const { handle } = await mint()
  faults.add({ kind: 'status', status: 403, body, times: 1, on: revokes })
  await expect(revoke(handle)).resolves.toMatchObject({ done: false })
  await expect(mint()).resolves.toBeDefined()
})

test('a Vault that cannot be asked is no reason to refuse, and is asked again', async () => {
  const { faults, learn, mint, rights } = connect()
  const outage = faults.add({ kind: 'status', status: 503 })
  await expect(learn()).rejects.toMatchObject({ kind: 'unavailable' })
  outage.clear()
  await expect(mint()).resolves.toBeDefined()
  delete rights['auth/token/revoke-accessor']
  await learn()
  await expect(mint()).rejects.toMatchObject(noTokens)
})
