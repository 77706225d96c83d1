/** `sys/leases`, a database engine, key-value secrets, and the database itself. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Leases } from './leases.ts'
import { refusal } from './refusal.ts'
import { readBody, reply } from './reply.ts'
import type { VaultSettings } from './settings.ts'
import type { Tokens } from './tokens.ts'

const revokeRequest = z.strictObject({ lease_id: z.string().default(''), sync: z.boolean().default(false) })
const lookupRequest = z.strictObject({ lease_id: z.string().default('') })

export function secretRoutes({
  settings,
  tokens,
  leases,
  clock,
}: {
  settings: VaultSettings
  tokens: Tokens
  leases: Leases
  clock: Clock
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const caller = (c: Context) => c.req.header('x-vault-token')

  app.get('/database/creds/:role', (c) => {
    const name = c.req.param('role')
    const path = `database/creds/${name}`
    const token = tokens.admit(caller(c), path, ['read'])
    const role = Object.hasOwn(settings.databaseRoles, name) ? settings.databaseRoles[name] : undefined
    if (!role) throw refusal(400, `unknown role: ${name}`)
    const ttl = Math.min(role.defaultTtl, settings.maxLeaseTtl)
    const lease = leases.create(token, { path, ttl, renewable: true, lasting: false })
    return reply(c, {
      lease_id: lease.id,
      // A lease may be for longer than its token lives; it ends with the token all the same.
      lease_duration: ttl,
      renewable: true,
      data: { username: lease.username, password: lease.entry.secret },
    })
  })

  const metadata = {
    created_time: new Date(clock.now()).toISOString(),
    custom_metadata: null,
    deletion_time: '',
    destroyed: false,
    version: 1,
  }
  const keyValue = (c: Context, mount: string, dataOf: (secret: Record<string, string>) => unknown) => {
    const path = `${mount}/${c.req.param('path')}`
    tokens.admit(caller(c), path, ['read'])
    const secret = Object.hasOwn(settings.secrets, path) ? settings.secrets[path] : undefined
    if (!secret) return c.json({ errors: [] }, 404)
    return reply(c, { data: dataOf(secret) })
  }
  // "Leases, renewal and revocation": key-value secrets have no lease, though version 1 names a duration.
  app.get('/kv/:path{.+}', (c) => keyValue(c, 'kv', (secret) => secret))
  app.get('/secret/data/:path{.+}', (c) => keyValue(c, 'secret/data', (data) => ({ data, metadata })))

  app.post('/sys/leases/revoke', async (c) => {
    tokens.admit(caller(c), 'sys/leases/revoke', ['update'])
    const { lease_id: id, sync } = await readBody(c, revokeRequest)
    if (id === '') throw refusal(400, 'lease_id must be specified')
    leases.revoke(id, sync)
    return c.body(null, sync ? 204 : 202)
  })

  app.post('/sys/leases/lookup', async (c) => {
    tokens.admit(caller(c), 'sys/leases/lookup', ['update'])
    const { lease_id: id } = await readBody(c, lookupRequest)
    if (id === '') throw refusal(400, 'lease_id must be specified')
    const lease = leases.find(id)
    if (!lease) throw refusal(400, 'invalid lease')
    return reply(c, {
      data: {
        id,
        path: lease.path,
        issue_time: new Date(lease.issuedAt).toISOString(),
        expire_time: new Date(lease.endsAt).toISOString(),
        last_renewal: null,
        ttl: Math.ceil((lease.endsAt - clock.now()) / 1000),
        renewable: lease.renewable,
      },
    })
  })
  return app
}

const credentials = z.strictObject({ username: z.string(), password: z.string() })

/** The database, which is no part of Vault: 204 for a user whom it lets in. */
export function databaseRoutes(leases: Leases): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.post('/database/login', async (c) => {
    const { username, password } = await readBody(c, credentials)
    return c.body(null, leases.logIn(username, password) ? 204 : 401)
  })
  return app
}
