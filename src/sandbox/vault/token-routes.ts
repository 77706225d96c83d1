/** `auth/token`, `auth/jwt`, and what a token may do. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { capabilities, hclOf } from './acl.ts'
import { createRequest, madeOf, type Circumstances } from './create.ts'
import { loginOf, loginRequest } from './jwt.ts'
import { refusal, several } from './refusal.ts'
import { readBody, reply } from './reply.ts'
import type { VaultSettings } from './settings.ts'
import type { Token, Tokens } from './tokens.ts'

const capabilitiesRequest = z.strictObject({ paths: z.array(z.string()).min(1) })
const accessorRequest = z.strictObject({ accessor: z.string().default('') })

export function tokenRoutes({
  settings,
  tokens,
  clock,
}: {
  settings: VaultSettings
  tokens: Tokens
  clock: Clock
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const caller = (c: Context) => c.req.header('x-vault-token')

  const create = async (c: Context, path: string, how: Pick<Circumstances, 'orphan' | 'role'>) => {
    const parent = tokens.admit(caller(c), path, ['update'])
    const asked = await readBody(c, createRequest)
    const sudo = tokens.may(parent, path, 'sudo')
    const token = tokens.create(madeOf(asked, { settings, parent, sudo, path, ...how }), { ledger: true })
    const missing = token.policies.filter(
      (name) => name !== 'default' && !Object.hasOwn(settings.policies, name),
    )
    return reply(c, {
      // The token is made all the same: a policy may be written later.
      warnings:
        missing.length > 0 ? missing.map((name) => `Policy ${JSON.stringify(name)} does not exist`) : null,
      auth: authJson(token),
    })
  }

  const authJson = (token: Token) => {
    const identityPolicies = tokens.identityPolicies(token)
    return {
      client_token: token.id,
      accessor: token.accessor,
      policies: [...new Set([...token.policies, ...identityPolicies])].toSorted(),
      token_policies: token.policies,
      // Left out when empty (`logical.HTTPAuth`).
      ...(identityPolicies.length > 0 && { identity_policies: identityPolicies }),
      metadata: token.meta,
      lease_duration: token.ttl,
      renewable: token.renewable,
      entity_id: token.entityId,
      token_type: 'service',
      orphan: token.parent === undefined,
      mfa_requirement: null,
      num_uses: 0,
    }
  }

  const lookup = (token: Token) => {
    const identityPolicies = tokens.identityPolicies(token)
    const { expiresAt, mintedAt } = token.entry
    return {
      id: token.id,
      accessor: token.accessor,
      policies: token.policies,
      ...(identityPolicies.length > 0 && { identity_policies: identityPolicies }),
      path: token.path,
      meta: token.meta,
      display_name: token.displayName,
      num_uses: 0,
      orphan: token.parent === undefined,
      ...(token.role !== undefined && { role: token.role }),
      creation_time: Math.floor(mintedAt / 1000),
      creation_ttl: token.ttl,
      issue_time: new Date(mintedAt).toISOString(),
      expire_time: expiresAt === Infinity ? null : new Date(expiresAt).toISOString(),
      ttl: expiresAt === Infinity ? 0 : Math.ceil((expiresAt - clock.now()) / 1000),
      explicit_max_ttl: token.explicitMaxTtl,
      renewable: token.renewable,
      entity_id: token.entityId,
      type: 'service',
    }
  }

  app.post('/auth/token/create', (c) => create(c, 'auth/token/create', { orphan: false }))
  app.post('/auth/token/create-orphan', (c) => create(c, 'auth/token/create-orphan', { orphan: true }))
  app.post('/auth/token/create/:role', (c) => {
    const name = c.req.param('role')
    const role = Object.hasOwn(settings.tokenRoles, name) ? settings.tokenRoles[name] : undefined
    const path = `auth/token/create/${name}`
    tokens.admit(caller(c), path, ['update'])
    if (!role) throw refusal(400, `unknown role ${name}`)
    return create(c, path, { orphan: false, role: { ...role, name } })
  })

  app.post('/auth/token/lookup-accessor', async (c) => {
    tokens.admit(caller(c), 'auth/token/lookup-accessor', ['update'])
    const { accessor } = await readBody(c, accessorRequest)
    if (accessor === '') throw refusal(400, several('missing accessor'))
    const token = tokens.heardOf(accessor)
    // HashiCorp's Vault answered 403 for long; the words are the same.
    if (!token) throw refusal(400, several('invalid accessor'))
    return reply(c, { data: { ...lookup(token), id: '' } })
  })

  app.post('/auth/token/revoke-accessor', async (c) => {
    tokens.admit(caller(c), 'auth/token/revoke-accessor', ['update'])
    const { accessor } = await readBody(c, accessorRequest)
    if (accessor === '') throw refusal(400, several('missing accessor'))
    // `handleUpdateRevokeAccessor` looks first, and only what it finds is the active node's to end.
    const token = tokens.heardOf(accessor)
    if (!token) return reply(c, { warnings: ['No token found with this accessor'] })
    tokens.revoke(token)
    return c.body(null, 204)
  })

  app.get('/auth/token/accessors', (c) => {
    if (!/^(?:1|t|T|true|TRUE|True)$/.test(c.req.query('list') ?? '')) {
      tokens.admit(caller(c), 'auth/token/accessors', ['read', 'sudo'])
      throw refusal(405, several('unsupported operation'))
    }
    // `PathsSpecial.Root`: nobody lists accessors without sudo.
    tokens.admit(caller(c), 'auth/token/accessors', ['list', 'sudo'])
    return reply(c, { data: { keys: tokens.accessors() } })
  })

  app.get('/auth/token/lookup-self', (c) =>
    reply(c, { data: lookup(tokens.admit(caller(c), 'auth/token/lookup-self', ['read'])) }),
  )
  app.post('/auth/token/revoke-self', (c) => {
    tokens.revoke(tokens.admit(caller(c), 'auth/token/revoke-self', ['update']))
    return c.body(null, 204)
  })

  app.get('/auth/token/roles/:role', (c) => {
    const name = c.req.param('role')
    tokens.admit(caller(c), `auth/token/roles/${name}`, ['read'])
    const role = Object.hasOwn(settings.tokenRoles, name) ? settings.tokenRoles[name] : undefined
    if (!role) return c.json({ errors: [] }, 404)
    const { orphan, allowedPolicies: allowed_policies, tokenType: token_type } = role
    return reply(c, { data: { name, orphan, allowed_policies, token_type } })
  })

  app.get('/sys/policies/acl/:policy', (c) => {
    const name = c.req.param('policy')
    tokens.admit(caller(c), `sys/policies/acl/${name}`, ['read'])
    if (!Object.hasOwn(settings.policies, name)) return c.json({ errors: [] }, 404)
    return reply(c, { data: { name, policy: hclOf(settings.policies[name]!) } })
  })

  // `handleCapabilities`; `deny` stands for none, and `root` for all.
  app.post('/sys/capabilities-self', async (c) => {
    const token = tokens.admit(caller(c), 'sys/capabilities-self', ['update'])
    const { paths } = await readBody(c, capabilitiesRequest)
    const names = [...token.policies, ...tokens.identityPolicies(token)]
    const told = (path: string): string[] => {
      if (names.includes('root')) return ['root']
      const granted = [...capabilities(settings.policies, names, path)]
      return granted.length > 0 ? granted.toSorted() : ['deny']
    }
    const data = Object.fromEntries(paths.map((path) => [path, told(path)]))
    return reply(c, { ...data, data })
  })

  app.post('/auth/jwt/login', async (c) => {
    const made = await loginOf(await readBody(c, loginRequest), settings, clock)
    return reply(c, { auth: authJson(tokens.create(made, { ledger: false })) })
  })
  return app
}
