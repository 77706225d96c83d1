/** The sandbox against a real OpenBao: the same requests, the same answers. */
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { defaultSettings, type VaultSettings } from '../../src/sandbox/vault/settings.ts'
import { startVault } from '../../src/sandbox/vault.ts'
import { realVault, type RealVault } from './vault-server.ts'

/** What earlier answers left: tokens, accessors and lease ids by name. */
type Known = Record<string, string>
interface Step {
  title: string
  as?: string
  method?: string
  path: string
  body?: unknown
  /** What to keep of the answer for later steps: where it stands. */
  keep?: Record<string, string[]>
}

const child = { no_default_policy: true, renewable: false, ttl: '600s', explicit_max_ttl: '600s' }
const create = 'auth/token/create-orphan'
const made = (name: string) => ({
  [name]: ['auth', 'client_token'],
  [`accessor-${name}`]: ['auth', 'accessor'],
})

/** In order. `$name` in a path or body stands for what was kept under that name. */
const steps: Step[] = [
  {
    title: 'an orphan',
    path: create,
    body: { ...child, policies: ['ci-read'], meta: { lease: 'l' } },
    keep: made('reader'),
  },
  {
    title: 'policies in any case and order',
    path: create,
    body: { ...child, policies: ['KV-read', ' ci-read', 'kv-read'] },
  },
  { title: 'default beside others', path: create, body: { policies: ['ci-read'], ttl: 60 } },
  {
    title: 'default, asked for and not wanted',
    path: create,
    body: { ...child, policies: ['default', 'ci-read'] },
  },
  { title: 'no policy: all of the parent’s', path: create, body: { ...child, policies: [] } },
  { title: 'a policy that does not exist', path: create, body: { ...child, policies: ['none-such'] } },
  { title: 'root', path: create, body: { ...child, policies: ['root'] } },
  {
    title: 'a life beyond the explicit one',
    path: create,
    body: { ...child, policies: ['ci-read'], ttl: '2h' },
  },
  { title: 'no life named', path: create, body: { policies: ['ci-read'], no_default_policy: true } },
  { title: 'a batch token', path: create, body: { ...child, policies: ['ci-read'], type: 'batch' } },
  { title: 'a body that is no JSON', path: create, body: '{"policies":' },
  {
    title: 'by a role',
    path: 'auth/token/create/mayfly',
    body: { ...child, policies: ['db-readonly'] },
    keep: made('database'),
  },
  {
    title: 'by a role, beyond it',
    path: 'auth/token/create/mayfly',
    body: { ...child, policies: ['kv-read'] },
  },
  { title: 'by a role, no policy named', path: 'auth/token/create/mayfly', body: child },
  {
    title: 'by a role that is none',
    path: 'auth/token/create/nobody',
    body: { ...child, policies: ['ci-read'] },
  },
  { title: 'a child that is none', path: 'auth/token/create', body: { ...child, policies: ['ci-read'] } },
  { title: 'a holder makes tokens', as: 'reader', path: create, body: { ...child, policies: ['ci-read'] } },
  { title: 'a holder looks at itself', as: 'reader', method: 'GET', path: 'auth/token/lookup-self' },
  { title: 'a secret of version 2', as: 'reader', method: 'GET', path: 'secret/data/ci/npm' },
  { title: 'a secret that is not there', as: 'reader', method: 'GET', path: 'secret/data/ci/none' },
  { title: 'a secret beyond the policies', as: 'reader', method: 'GET', path: 'kv/ci' },
  { title: 'a path that is none', as: 'reader', method: 'GET', path: 'nothing/here' },
  { title: 'no token', as: 'none', method: 'GET', path: 'secret/data/ci/npm' },
  { title: 'a token that never was', as: 'nobody', method: 'GET', path: 'secret/data/ci/npm' },
  { title: 'another namespace', as: 'elsewhere', method: 'GET', path: 'secret/data/ci/npm' },
  {
    title: 'a dynamic secret',
    as: 'database',
    method: 'GET',
    path: 'database/creds/readonly',
    keep: { lease: ['lease_id'] },
  },
  { title: 'a lease', path: 'sys/leases/lookup', body: { lease_id: '$lease' } },
  {
    title: 'a token by its accessor',
    path: 'auth/token/lookup-accessor',
    body: { accessor: '$accessor-database' },
  },
  { title: 'accessors by GET alone', method: 'GET', path: 'auth/token/accessors' },
  { title: 'accessors, without sudo', as: 'reader', method: 'GET', path: 'auth/token/accessors?list=1' },
  { title: 'a lease ended', path: 'sys/leases/revoke', body: { lease_id: '$lease', sync: true } },
  { title: 'a lease ended again', path: 'sys/leases/revoke', body: { lease_id: '$lease', sync: true } },
  { title: 'a lease ended without waiting', path: 'sys/leases/revoke', body: { lease_id: '$lease' } },
  { title: 'a lease that is over', path: 'sys/leases/lookup', body: { lease_id: '$lease' } },
  { title: 'no lease named', path: 'sys/leases/revoke', body: {} },
  { title: 'a token ended', path: 'auth/token/revoke-accessor', body: { accessor: '$accessor-database' } },
  {
    title: 'a token ended again',
    path: 'auth/token/revoke-accessor',
    body: { accessor: '$accessor-database' },
  },
  {
    title: 'a token that is over',
    path: 'auth/token/lookup-accessor',
    body: { accessor: '$accessor-database' },
  },
  { title: 'a token that is over, used', as: 'database', method: 'GET', path: 'database/creds/readonly' },
  { title: 'no accessor named', path: 'auth/token/lookup-accessor', body: {} },
  {
    title: 'a login',
    as: 'none',
    path: 'auth/jwt/login',
    body: { role: 'mayfly', jwt: '$jwt' },
    keep: made('login'),
  },
  { title: 'a login looks at itself', as: 'login', method: 'GET', path: 'auth/token/lookup-self' },
  { title: 'a login gives itself back', as: 'login', path: 'auth/token/revoke-self' },
  { title: 'a login that is over', as: 'login', method: 'GET', path: 'auth/token/lookup-self' },
  {
    title: 'a login for another audience',
    as: 'none',
    path: 'auth/jwt/login',
    body: { role: 'mayfly', jwt: '$foreign' },
  },
  {
    title: 'what the broker may do',
    path: 'sys/capabilities-self',
    body: { paths: [create, 'auth/token/create/mayfly', 'auth/token/accessors', 'sys/mounts'] },
  },
  {
    title: 'what a token may do that may not ask',
    as: 'reader',
    path: 'sys/capabilities-self',
    body: { paths: [create] },
  },
  { title: 'a token role', method: 'GET', path: 'auth/token/roles/mayfly' },
  { title: 'a token role that is not there', method: 'GET', path: 'auth/token/roles/none-such' },
  { title: 'a login as nobody', as: 'none', path: 'auth/jwt/login', body: { role: 'nobody', jwt: '$jwt' } },
]

/** Where they differ: titles, and why that is left so. */
const differences: Record<string, string> = {
  'a life beyond the explicit one': 'the sandbox shortens it too, but does not warn of it',
  'a token role': 'the sandbox tells only what it heeds',
  'a dynamic secret': 'the store that stands in for a database keeps its ttl beside the data',
  'a lease ended without waiting': 'OpenBao answers 204, Vault 202: the sandbox the one that tells',
}

const real = await realVault()
if (real?.ownBao) describe('the sandbox and a real OpenBao', () => compare(real))
else test.skip('no bao is on PATH to hold the sandbox against', () => {})

async function compare(bao: RealVault) {
  const issuer = await startIssuer(systemClock())
  const settings = defaultSettings()
  settings.jwt = { ...settings.jwt, jwksUrl: `${issuer.url}/jwks`, boundIssuer: issuer.url }
  settings.jwt.roles['mayfly']!.boundAudiences = ['http://vault.test']
  const sandbox = await startVault(systemClock(), createLedger(systemClock()), settings)
  await furnish(bao, settings)
  afterAll(() => Promise.all([bao.close(), sandbox.close(), issuer.close()]))
  const common = {
    jwt: await issuer.token({ sub: 'mayfly', aud: 'http://vault.test' }),
    foreign: await issuer.token({ sub: 'mayfly', aud: 'http://elsewhere.test' }),
    none: '',
    nobody: 'hvs.nobody',
    elsewhere: 'hvs.nobody',
  }
  const inSandbox: Known = { ...common, broker: sandbox.token }
  const inBao: Known = { ...common, broker: await brokerToken(bao) }

  for (const step of steps)
    test([step.title, differences[step.title]].filter(Boolean).join(': '), async () => {
      const [ours, theirs] = [await ask(sandbox.url, step, inSandbox), await ask(bao.url, step, inBao)]
      if (differences[step.title]) expect(ours).not.toEqual(theirs)
      else expect(ours).toEqual(theirs)
    })
}

/** Gives OpenBao what the sandbox is set to. */
async function furnish(bao: RealVault, settings: VaultSettings): Promise<void> {
  for (const [name, rules] of Object.entries(settings.policies)) {
    const paths = Object.entries(rules).map(([path, capabilities]) => [path, { capabilities }])
    await bao.set('POST', `sys/policies/acl/${name}`, {
      policy: JSON.stringify({ path: Object.fromEntries(paths) }),
    })
  }
  for (const [name, { orphan, allowedPolicies, tokenType }] of Object.entries(settings.tokenRoles))
    await bao.set('POST', `auth/token/roles/${name}`, {
      orphan,
      allowed_policies: allowedPolicies,
      token_type: tokenType,
    })
  await bao.set('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } })
  // In place of a database: a store that gives leases.
  const leased = { version: '1', leased_passthrough: 'true' }
  await bao.set('POST', 'sys/mounts/database', {
    type: 'kv',
    options: leased,
    config: { default_lease_ttl: '1h' },
  })
  await bao.set('POST', 'database/creds/readonly', { username: 'u', password: 'p', ttl: '1h' })
  for (const [path, data] of Object.entries(settings.secrets))
    await bao.set('POST', path, path.startsWith('secret/') ? { data } : data)
  await bao.set('POST', 'sys/auth/jwt', { type: 'jwt' })
  await bao.set('POST', 'auth/jwt/config', {
    jwks_url: settings.jwt.jwksUrl,
    bound_issuer: settings.jwt.boundIssuer,
  })
  for (const [name, role] of Object.entries(settings.jwt.roles))
    await bao.set('POST', `auth/jwt/role/${name}`, {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: role.boundAudiences,
      bound_subject: role.boundSubject,
      token_policies: role.tokenPolicies,
      token_ttl: role.tokenTtl,
    })
}

async function brokerToken(bao: RealVault): Promise<string> {
  const response = await fetch(`${bao.url}/v1/${create}`, {
    method: 'POST',
    headers: { 'x-vault-token': bao.root },
    body: JSON.stringify({ policies: ['broker'], no_default_policy: true }),
  })
  const { auth } = (await response.json()) as { auth: { client_token: string } }
  return auth.client_token
}

async function ask(url: string, step: Step, known: Known): Promise<{ status: number; body: unknown }> {
  const { as = 'broker', method = 'POST', path, body, keep = {} } = step
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? {})
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: {
      ...(as !== 'none' && { 'x-vault-token': known[as]! }),
      ...(as === 'elsewhere' && { 'x-vault-namespace': 'elsewhere' }),
    },
    ...(method === 'POST' && { body: text.replaceAll(/\$([\w-]+)/g, (_, name: string) => known[name]!) }),
  })
  const answer = await response.text()
  const json: unknown = answer === '' ? undefined : JSON.parse(answer)
  for (const [name, at] of Object.entries(keep))
    known[name] = String(at.reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], json))
  return { status: response.status, body: masked(json) }
}

/** What is never the same twice, by its name: only that it is there counts, and of what type. */
const changing =
  /^(?:request_id|client_token|accessor|id|lease_id|entity_id|.*_time|ttl|username|password|last_renewal)$/

function masked(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => masked(each))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, name)]))
  return changing.test(key) && value !== '' && value !== null ? typeof value : value
}
