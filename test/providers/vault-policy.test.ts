import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import type { AuthorizationRequest } from '../../src/provider/terms.ts'
import { ask, bot, facts } from '../support/policy.ts'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'

const { address } = connectVault().config
const server = { type: 'VaultServer', id: address.replace('http://', '') }

test('reading a path is one question, in the class that the configuration gives it', () => {
  const { terms } = connectVault()
  expect(terms.requests(secret)).toEqual([
    {
      action: 'vault.read.read',
      class: 'read',
      implied: [],
      resource: {
        type: 'VaultPath',
        id: 'database/creds/readonly',
        parents: [
          { type: 'VaultMount', id: 'database' },
          { type: 'VaultMount', id: 'database/creds' },
          server,
        ],
      },
    },
  ])
})

test('a token is one question for each of its policies', () => {
  const { terms } = connectVault()
  const both = vault.detail.parse({ type: 'vault', policies: ['ci-write', 'ci-read'] })
  expect(terms.requests(both)).toEqual([
    {
      action: 'vault.token.read',
      class: 'read',
      implied: [],
      resource: { type: 'VaultPolicy', id: 'ci-read', parents: [server] },
    },
    {
      action: 'vault.token.write',
      class: 'write',
      implied: [],
      resource: { type: 'VaultPolicy', id: 'ci-write', parents: [server] },
    },
  ])
})

function decided(policy: string, requests: AuthorizationRequest[]) {
  const { policies, faults } = compilePolicies([{ file: 'p.cedar', text: policy }], {
    providers: [vault],
    upstreams: [],
    agents: [bot],
    approvers: new Set<string>(),
  })
  if (!policies) return faults.map(({ message }) => message)
  return decide(policies, facts(), [ask(...requests)]).outcome
}

test.each([
  ['the path', 'resource == Mayfly::VaultPath::"database/creds/readonly"', 'allowed'],
  ['its mount', 'resource in Mayfly::VaultMount::"database"', 'allowed'],
  ['a mount of several segments', 'resource in Mayfly::VaultMount::"database/creds"', 'allowed'],
  ['its server', `resource in Mayfly::VaultServer::"${server.id}"`, 'allowed'],
  ['another server', 'resource in Mayfly::VaultServer::"vault.acme.dev"', 'denied'],
  ['another mount', 'resource in Mayfly::VaultMount::"kv"', 'denied'],
  ['another path', 'resource == Mayfly::VaultPath::"database/creds/admin"', 'denied'],
])('a policy on %s decides over a path', (_, scope, outcome) => {
  const { terms } = connectVault()
  const policy = `@id("p") permit (principal, action in Mayfly::Action::"read", ${scope});`
  expect(decided(policy, terms.requests(secret))).toBe(outcome)
})

test('a token needs every one of its policies allowed', () => {
  const { terms } = connectVault()
  const policy =
    '@id("p") permit (principal, action == Mayfly::Action::"vault.token.read", resource == Mayfly::VaultPolicy::"ci-read");'
  const both = vault.detail.parse({ type: 'vault', policies: ['ci-write', 'ci-read'] })
  expect(decided(policy, terms.requests(reader))).toBe('allowed')
  expect(decided(policy, terms.requests(both))).toBe('denied')
})

test.each([
  ['VaultMount', 'database/'],
  ['VaultMount', ''],
  ['VaultPath', 'database'],
  ['VaultPath', '/database/creds'],
  ['VaultPath', 'database/creds/*'],
  ['VaultPolicy', 'CI-read'],
  ['VaultPolicy', 'root'],
  ['VaultServer', 'https://vault.acme.dev'],
  ['VaultServer', 'Vault.acme.dev'],
])('a policy that names a %s %j, which no request ever does, is at fault', (type, id) => {
  expect(vault.entityFault?.({ type, id })).toBeDefined()
})

test.each([
  ['VaultMount', 'team-a/database'],
  ['VaultPath', 'database/creds/readonly'],
  ['VaultPolicy', 'ci-read'],
  ['VaultServer', 'vault.acme.dev:8200/team-a'],
  ['GithubRepository', 'Anything'],
])('a policy may name the %s %j', (type, id) => {
  expect(vault.entityFault?.({ type, id })).toBeUndefined()
})
