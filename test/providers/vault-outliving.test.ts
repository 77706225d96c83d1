/** What `mayfly doctor` says of policies that open what outlives a token. */
import { expect, test } from 'vitest'
import { opened } from '../../providers/vault/outliving.ts'
import type { Policy } from '../../src/sandbox/vault/settings.ts'
import { connectVault } from '../support/vault-sandbox.ts'

const diagnose = (upstream: ReturnType<typeof connectVault>) =>
  upstream.connection.diagnose!({ mightPermit: () => undefined, signal: new AbortController().signal })
const openedBy = (policy: Policy) =>
  opened(Object.entries(policy).map(([path, capabilities]) => ({ path, capabilities })))

test('a declared policy that opens such a path is a warning that names it, in the words of the policy', async () => {
  const upstream = connectVault()
  const { policies } = upstream.sandbox.settings
  policies['ci-write'] = {
    'secret/data/ci/*': ['create', 'update'],
    'auth/approle/role/+/secret-id': ['update'],
    'auth/token/create*': ['create', 'update'],
    'pki/issue/*': ['update'],
  }
  expect(await diagnose(upstream)).toEqual([
    {
      status: 'warning',
      message:
        'a token with the policy ci-write may make what outlives it: orphan tokens (auth/token/create*); AppRole secret ids (auth/approle/role/+/secret-id); certificates and signatures (pki/issue/*)',
      remedy: expect.stringContaining('Take it out of the policy') as string,
    },
  ])
})

test('what only the token that reads a secret has is nobody else’s to use', async () => {
  const upstream = connectVault()
  upstream.sandbox.settings.policies['kv-read'] = { 'auth/token/create-orphan': ['update'] }
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test('policies that the broker may not read, or that are not there, say nothing', async () => {
  const upstream = connectVault()
  const { policies } = upstream.sandbox.settings
  policies['ci-write'] = { 'auth/*': ['update'] }
  delete policies['ci-read']
  expect(await diagnose(upstream)).toHaveLength(1)
  delete policies['broker']!['sys/policies/acl/+']
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test('a text that is no policy is said to need a look', async () => {
  const upstream = connectVault({ config: { policies: [{ name: 'ci-read', class: 'read' }] } })
  const body = { data: { name: 'ci-read', policy: 'path "a" {' } }
  upstream.faults.add({ kind: 'status', status: 200, body, on: ({ path }) => path.includes('/policies/') })
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'warning', message: expect.stringContaining('cannot be read') as string },
  ])
})

test.each<[string, Policy]>([
  ['orphan tokens', { 'auth/token/create-orphan': ['update'] }],
  ['orphan tokens', { 'auth/token/create/deploy': ['create'] }],
  ['token roles', { 'auth/token/roles/mine': ['update'] }],
  ['orphan tokens', { 'auth/token/create': ['update', 'sudo'] }],
  ['AppRole secret ids', { 'auth/team/approle/role/ci/custom-secret-id': ['update'] }],
  ['logins', { 'auth/userpass/users/+': ['create'] }],
  ['logins', { 'sys/auth/new': ['update', 'sudo'] }],
  ['entities, groups and aliases', { 'identity/entity/*': ['update'] }],
  ['signed identity tokens', { 'identity/oidc/token/ci': ['read'] }],
  ["Vault's own policies and mounts", { 'sys/policies/acl/*': ['update'] }],
  ["Vault's own policies and mounts", { 'sys/mounts/mine': ['update'] }],
  ['wrapped responses', { 'sys/wrapping/*': ['update'] }],
  ['certificates and signatures', { 'pki-int/*': ['update'] }],
  ['certificates and signatures', { 'our-ca/sign/web': ['update'] }],
  ['certificates and signatures', { 'transit/sign/+': ['update'] }],
  ['sessions of a cloud', { 'aws/creds/deploy': ['read'] }],
  ['sessions of a cloud', { 'team/cloud/sts/deploy': ['read'] }],
  ['sessions of a cloud', { 'gcp/roleset/ci/token': ['read'] }],
])('%s: %j', (what, policy) => {
  expect(openedBy(policy).join('; ')).toContain(what)
})

test('what may do anything anywhere opens every kind', () => {
  expect(openedBy({ '*': ['create', 'read', 'update', 'delete', 'list', 'sudo'] })).toHaveLength(10)
})

test.each<[string, Policy]>([
  ['reading and writing secrets', { 'secret/data/ci/*': ['create', 'read', 'update'], 'kv/*': ['update'] }],
  ['a child, which ends with its parent', { 'auth/token/create': ['update'] }],
  ['looking', { 'auth/*': ['read', 'list'], 'identity/*': ['list'], 'sys/policies/*': ['read'] }],
  ['itself', { 'auth/token/lookup-self': ['read'], 'auth/token/revoke-self': ['update'] }],
  ['a dynamic secret that goes with its lease', { 'database/creds/+': ['read'] }],
  ['encrypting', { 'transit/encrypt/ci': ['update'] }],
  [
    'what is denied again',
    { 'auth/token/*': ['update'], 'auth/token/create*': ['deny'], 'auth/token/roles/+': ['deny'] },
  ],
])('nothing is opened by %s', (_, policy) => {
  expect(openedBy(policy)).toEqual([])
})

test.each<[string, Policy]>([
  ['a broader one', { 'auth/*': ['deny'], 'auth/token/create-orphan': ['update'] }],
  ['part of it', { 'auth/token/create/*': ['update'], 'auth/token/create/ci': ['deny'] }],
])('a denial of %s leaves it open', (_, policy) => {
  expect(openedBy(policy)).not.toEqual([])
})
