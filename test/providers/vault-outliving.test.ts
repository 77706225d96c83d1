/** What `mayfly doctor` says of policies that open what outlives a token, and of engines that take nothing back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { opened } from '../../providers/vault/outliving.ts'
import { covers, meet } from '../../providers/vault/patterns.ts'
import { rulesIn } from '../../providers/vault/policy-text.ts'
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

const segment = fc.constantFrom('a', 'b', 'ab')
const paths = ['a', 'b', 'ab', 'c'].flatMap((x) => [
  x,
  ...['a', 'b', 'ab', 'c'].flatMap((y) => [
    `${x}/${y}`,
    ...['a', 'b', 'ab', 'c'].map((z) => `${x}/${y}/${z}`),
  ]),
])
const ruleOf = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant('+')), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '*', '/*'),
  )
  .map(([segments, end]) => segments.join('/') + end)
  .filter((rule) => !rule.endsWith('+*'))
const targetOf = fc
  .array(fc.oneof(segment, fc.constantFrom('+', '**')), { minLength: 1, maxLength: 3 })
  .map((s) => s.join('/'))

function fits(pattern: string, path: string, several: boolean): boolean {
  const text = pattern
    .replace(/\*$/, (star) => (several ? star : '~'))
    .replaceAll('**', '[^/]+(?:/[^/]+)*')
    .split('/')
    .map((each) => (each === '+' ? '[^/]+' : each))
    .join('/')
  return new RegExp(`^${text.replace(/~$/, '.*')}$`).test(path)
}

test('patterns meet where some path fits both, and one covers another where all of its paths fit', () => {
  fc.assert(
    fc.property(ruleOf, targetOf, (rule, target) => {
      const both = paths.some((path) => fits(rule, path, false) && fits(target, path, true))
      if (both) expect(meet(rule, target)).toBe(true)
      if (covers(rule, target))
        for (const path of paths.filter((each) => fits(target, each, true)))
          expect(fits(rule, path, false)).toBe(true)
      // Nothing of three segments is left out by the short alphabet.
      if (!both && !/\*/.test(rule + target)) expect(meet(rule, target)).toBe(false)
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['HCL', 'path "a/*" {\n  capabilities = ["read", "update"]\n}'],
  ['HCL on one line', 'path "a/*" { capabilities = ["read","update",] }'],
  ['comments', '# read\n/* path "b" { */ path "a/*" { // here\n capabilities = ["read", "update"] # }\n}'],
  ['an equals sign', 'path "a/*" = { capabilities = ["read", "update"] }'],
  [
    'other settings',
    'name = "x"\npath "a/*" {\n capabilities = ["read", "update"]\n allowed_parameters = { "b" = ["c", 1], "*" = [] }\n min_wrapping_ttl = "1s"\n control_group = { factor "f" { identity { group_names = ["g"] approvals = 1 } } }\n}',
  ],
  [
    'a text over lines',
    'path "a/*" {\n comment = <<EOT\n} path "b" {\nEOT\n capabilities = ["read", "update"]\n}',
  ],
  ['quoted keys', '"path" "a/*" { "capabilities" = ["read", "update"] }'],
  ['JSON', '{"path":{"a/*":{"capabilities":["read","update"]}}}'],
  ['JSON in a list', '{"path":[{"a/*":{"capabilities":["read","update"],"max_wrapping_ttl":"1h"}}]}'],
])('a policy is read from %s', (_, text) => {
  expect(rulesIn(text)).toEqual([{ path: 'a/*', capabilities: ['read', 'update'] }])
})

test('a policy of old is read for what it means', () => {
  expect(rulesIn('path "a" { policy = "write" }')[0]?.capabilities).toContain('update')
  expect(rulesIn('path "a" { policy = "deny" }')).toEqual([{ path: 'a', capabilities: ['deny'] }])
})

test.each([
  'path "a" {',
  'path { }',
  'path "a" { capabilities = }',
  'path "a" { capabilities = [',
  '}',
  '%',
  '{',
  '{"path":1}',
])('what is no policy is not taken for one: %j', (text) => {
  expect(() => rulesIn(text)).toThrow()
})

test.each([
  ['aws/creds/session', 'immediate', 'lives on'],
  ['aws/sts/federated', 'immediate', 'lives on'],
  ['kubernetes/creds/existing', 'immediate', 'lives on'],
  ['aws/creds/user', 'expiry', 'can be taken back at once'],
  ['kubernetes/creds/made', 'expiry', 'can be taken back at once'],
])('an engine that says of %s, declared %s, that it %s is a fault', async (path, revocation, message) => {
  const paths = [{ path, class: 'deploy', policies: ['aws-deploy'], revocation }]
  const upstream = connectVault({ config: { paths } })
  expect(await diagnose(upstream)).toMatchObject([
    { status: 'fault', message: expect.stringContaining(`${path} ${message}`) as string },
  ])
  delete upstream.sandbox.settings.policies['broker']!['aws/roles/+']
  delete upstream.sandbox.settings.policies['broker']!['kubernetes/roles/+']
  expect(await diagnose(upstream)).toMatchObject([{ status: 'ok' }])
})

test.each([
  ['aws/creds/session', 'expiry'],
  ['aws/creds/user', 'immediate'],
  ['kubernetes/creds/existing', 'expiry'],
  ['kubernetes/creds/made', 'immediate'],
  ['aws/creds/none-such', 'immediate'],
])('one that says of %s, declared %s, what the configuration does is fine', async (path, revocation) => {
  const paths = [{ path, class: 'deploy', policies: ['aws-deploy'], revocation }]
  expect(await diagnose(connectVault({ config: { paths } }))).toMatchObject([{ status: 'ok' }])
})

test.each([
  ['iam_user,federation_token', 'creds', 'immediate'],
  ['iam_user,federation_token', 'sts', 'expiry'],
  [['session_token'], 'creds', 'expiry'],
])('of a role of the types %j the path %s is %s', async (credential_type, kind, truth) => {
  const revocation = truth === 'expiry' ? 'immediate' : 'expiry'
  const paths = [{ path: `cloud/aws/${kind}/old`, class: 'deploy', policies: ['aws-deploy'], revocation }]
  const upstream = connectVault({ config: { paths } })
  const on = ({ path }: { path: string }) => path === '/v1/cloud/aws/roles/old'
  upstream.faults.add({ kind: 'status', status: 200, body: { data: { credential_type } }, on })
  expect(await diagnose(upstream)).toMatchObject([{ status: 'fault' }])
})
