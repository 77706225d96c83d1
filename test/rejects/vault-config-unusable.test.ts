import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

const path = { path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'] }
const policy = { name: 'ci-read', class: 'read' }
const good = {
  name: 'main',
  address: 'https://vault.acme.dev',
  auth: { token: { env: 'VAULT_TOKEN' } },
  paths: [path],
  policies: [policy],
}
const jwt = { mount: 'jwt', role: 'mayfly' }

test.each([
  ['an unknown key', { adress: 'x' }],
  ['a token inline', { auth: { token: 'inline' } }],
  ['two ways to log in', { auth: { ...good.auth, jwt } }],
  ['no way to log in', { auth: {} }],
  ['a mount that leaves its place', { auth: { jwt: { ...jwt, mount: '../token' } } }],
  ['a role of several segments', { auth: { jwt: { ...jwt, role: 'a/b' } } }],
  ['a token role of several segments', { token_role: 'a/../b' }],
  ['a namespace with a slash behind', { namespace: 'team-a/' }],
  ['an empty namespace', { namespace: '' }],
  ['plain http to another machine', { address: 'http://vault.acme.dev' }],
  ['a query in the address', { address: 'https://vault.acme.dev?' }],
  ['no address', { address: undefined }],
  ['nothing that may be asked for', { paths: [], policies: [] }],
  ['a path twice', { paths: [path, path] }],
  ['a path of no class', { paths: [{ ...path, class: 'harmless' }] }],
  ['a path without policies', { paths: [{ ...path, policies: [] }] }],
  ['a path read as root', { paths: [{ ...path, policies: ['root'] }] }],
  ['a path with a query', { paths: [{ ...path, path: 'a/b?c' }] }],
  ['a policy twice, but for case', { policies: [policy, { ...policy, name: 'CI-read' }] }],
  ['the policy root', { policies: [{ ...policy, name: 'root' }] }],
  ['the policy default', { policies: [{ ...policy, name: 'default' }] }],
  ['no name', { name: '' }],
])('a connection with %s is refused', (_, change) => {
  expect(vault.config.safeParse(good).success).toBe(true)
  expect(vault.config.safeParse({ ...good, auth: { jwt } }).success).toBe(true)
  expect(vault.config.safeParse({ ...good, ...change }).success).toBe(false)
})
