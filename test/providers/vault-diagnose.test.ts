import { expect, test } from 'vitest'
import { connectVault } from '../support/vault-sandbox.ts'

const diagnose = (upstream: ReturnType<typeof connectVault>) =>
  upstream.connection.diagnose!({ mightPermit: () => undefined, signal: new AbortController().signal })
const words = (text: string) => expect.stringContaining(text) as string

test('a broker that may do what it has to is fine, with a token role or without, and nothing is made', async () => {
  for (const config of [{}, { token_role: 'mayfly', paths: [] }]) {
    const upstream = connectVault({ config })
    upstream.sandbox.settings.tokenRoles['mayfly']!.allowedPolicies = ['ci-read', 'ci-write', 'db-readonly']
    expect(await diagnose(upstream)).toEqual([
      { status: 'ok', message: 'Vault lets the broker create, look up and revoke tokens' },
    ])
    expect(upstream.ledger.entries).toEqual([])
  }
})

test.each([
  ['auth/token/create-orphan', 'fault', 'create tokens'],
  ['auth/token/revoke-accessor', 'fault', 'revoke tokens'],
  ['auth/token/lookup-accessor', 'fault', 'see that a token is dead'],
  ['sys/leases/revoke', 'fault', 'take a secret back'],
  ['sys/leases/lookup', 'fault', 'see that a secret is gone'],
])('a broker that may not use %s is told so', async (path, status, what) => {
  const upstream = connectVault()
  delete upstream.sandbox.settings.policies['broker']![path]
  expect(await diagnose(upstream)).toEqual([
    { status, message: `the broker may not ${what}`, remedy: `Give its token \`update\` on ${path}.` },
  ])
})

test('what the broker may do with secrets counts only where it reads any', async () => {
  const upstream = connectVault({ config: { paths: [] } })
  delete upstream.sandbox.settings.policies['broker']!['sys/leases/revoke']
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test('a token role that is not there, makes no orphans or allows too little is told', async () => {
  const upstream = connectVault({ config: { token_role: 'mayfly' } })
  const { tokenRoles } = upstream.sandbox.settings
  tokenRoles['mayfly'] = { orphan: false, allowedPolicies: ['ci-read'], tokenType: 'service' }
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'fault', message: words("hang on the broker's own") },
    { status: 'warning', message: words('declares: db-readonly, kv-read, ci-write') },
  ])
  delete tokenRoles['mayfly']
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'fault', message: 'there is no token role mayfly' },
  ])
})

test('a token role that the broker may not read says nothing', async () => {
  const upstream = connectVault({ config: { token_role: 'mayfly' } })
  delete upstream.sandbox.settings.policies['broker']!['auth/token/roles/+']
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test('a Vault that does not tell what may be done there is no fault', async () => {
  const upstream = connectVault()
  upstream.faults.add({ kind: 'status', status: 404, body: { errors: ['unsupported path'] } })
  expect(await diagnose(upstream)).toMatchObject([{ status: 'warning' }])
})

test('a token that Vault does not accept is a failure to find out', async () => {
  const upstream = connectVault({ context: { secret: () => 'hvs.dead' } })
  await expect(diagnose(upstream)).rejects.toMatchObject({ kind: 'rejected', message: words('not accepted') })
})
