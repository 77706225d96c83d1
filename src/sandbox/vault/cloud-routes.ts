/**
 * The engines whose leases may be no more than a name: AWS's, where only an IAM user of
 * its own is taken back (`secretAccessKeysRevoke`), and Kubernetes', where only an account made
 * for the lease is (`kubeTokenRevoke`).
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { randomBytes } from 'node:crypto'
import type { Leases } from './leases.ts'
import { refusal, several } from './refusal.ts'
import { duration, reply } from './reply.ts'
import type { VaultSettings } from './settings.ts'
import type { Tokens } from './tokens.ts'

/** Seconds (STS API reference, AssumeRole). */
const shortest = 900

export function cloudRoutes({
  settings,
  tokens,
  leases,
}: {
  settings: VaultSettings
  tokens: Tokens
  leases: Leases
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const admit = (c: Context, path: string) => tokens.admit(c.req.header('x-vault-token'), path, ['read'])
  const named = <Role>(roles: Record<string, Role>, name: string): Role | undefined =>
    Object.hasOwn(roles, name) ? roles[name] : undefined

  const credentials = (c: Context, kind: 'creds' | 'sts') => {
    const name = c.req.param('role')!
    const path = `aws/${kind}/${name}`
    const token = admit(c, path)
    const role = named(settings.awsRoles, name)
    if (!role) throw refusal(400, `Role "${name}" not found`)
    const session = role.credentialType !== 'iam_user'
    // Parameters of a GET are in the query (`buildLogicalRequestNoAuth`); only a session heeds this one.
    const asked = duration.parse(c.req.query('ttl') ?? role.defaultStsTtl)
    if (session && asked < shortest)
      throw refusal(
        400,
        `Error assuming role: ValidationError: at 'durationSeconds' failed to satisfy constraint`,
      )
    const ttl = Math.min(session ? asked : settings.defaultLeaseTtl, settings.maxLeaseTtl)
    const lease = leases.create(token, { path, ttl, renewable: !session, lasting: session })
    const key = randomBytes(10).toString('hex').toUpperCase()
    return reply(c, {
      lease_id: lease.id,
      lease_duration: ttl,
      renewable: lease.renewable,
      data: session
        ? {
            access_key: `ASIA${key}`,
            secret_key: randomBytes(20).toString('hex'),
            security_token: lease.entry.secret,
          }
        : { access_key: `AKIA${key}`, secret_key: lease.entry.secret, security_token: null },
    })
  }
  app.get('/aws/creds/:role', (c) => credentials(c, 'creds'))
  app.get('/aws/sts/:role', (c) => credentials(c, 'sts'))

  app.get('/aws/roles/:role', (c) => {
    const name = c.req.param('role')
    admit(c, `aws/roles/${name}`)
    const role = named(settings.awsRoles, name)
    if (!role) return c.json({ errors: [] }, 404)
    const { credentialType: credential_type, defaultStsTtl: default_sts_ttl } = role
    return reply(c, { data: { credential_type, default_sts_ttl, max_sts_ttl: 0, policy_document: '' } })
  })

  // `pathCredentials` knows updates alone.
  app.get('/kubernetes/creds/:role', (c) => {
    admit(c, `kubernetes/creds/${c.req.param('role')}`)
    throw refusal(405, several('unsupported operation'))
  })
  app.get('/kubernetes/roles/:role', (c) => {
    const name = c.req.param('role')
    admit(c, `kubernetes/roles/${name}`)
    const role = named(settings.kubernetesRoles, name)
    if (!role) return c.json({ errors: [] }, 404)
    const { serviceAccountName: service_account_name } = role
    const generated_role_rules = service_account_name === '' ? 'rules: []' : ''
    return reply(c, { data: { name, service_account_name, generated_role_rules, kubernetes_role_name: '' } })
  })
  return app
}
