/**
 * Vault and OpenBao as the broker and the holders of its tokens see them. Rules
 * are from OpenBao 2.6, its sources named beside them; where Vault differs, or
 * nothing is published, the one that is worse for the client holds.
 */
import type { Clock } from '../base/clock.ts'
import type { Faults, RequestLine } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { listen } from './server.ts'
import { cloudRoutes } from './vault/cloud-routes.ts'
import { createLeases } from './vault/leases.ts'
import { refusal } from './vault/refusal.ts'
import { databaseRoutes, secretRoutes } from './vault/secret-routes.ts'
import { defaultSettings, type VaultSettings } from './vault/settings.ts'
import { createStandby } from './vault/standby.ts'
import { tokenRoutes } from './vault/token-routes.ts'
import { createTokens } from './vault/tokens.ts'
import { voice } from './vault/voice.ts'

export type { VaultSettings }

export interface SandboxVault {
  /** The address, without a trailing slash. */
  url: string
  /** A token for the broker, with `settings.brokerPolicies`, that never expires. */
  token: string
  faults: Faults
  requests: RequestLine[]
  settings: VaultSettings
  /** As an operator does: ends a token, and all that descends from it. */
  revoke(token: string): void
  /** Tokens that JWT logins have been given and that are alive. */
  logins(): string[]
  close(): Promise<void>
}

export async function startVault(
  clock: Clock,
  ledger: Ledger,
  overrides: Partial<VaultSettings> = {},
  port?: number,
): Promise<SandboxVault> {
  const settings = { ...defaultSettings(), ...overrides }
  const { app, url, faults, requests, close } = await listen(clock, port, voice)
  const standby = createStandby(settings, clock)
  const tokens = createTokens({ settings, standby, clock, ledger })
  const leases = createLeases({ settings, standby, clock, ledger })
  const broker = tokens.create(
    {
      policies: settings.brokerPolicies,
      entityId: '',
      displayName: 'token-broker',
      meta: null,
      path: 'auth/token/create-orphan',
      ttl: 0,
      explicitMaxTtl: 0,
      renewable: false,
    },
    { ledger: false },
  )

  app.use('/v1/*', async (c, next) => {
    // Both forms of a name are one: `team-a/` is what Vault itself writes.
    const asked = (c.req.header('x-vault-namespace') ?? '').replace(/\/$/, '')
    if (asked !== settings.namespace) throw refusal(404, 'namespace not found')
    await next()
  })
  app.use('/v1/*', standby.index)
  app.route('/v1', tokenRoutes({ settings, tokens, clock }))
  app.route('/v1', secretRoutes({ settings, tokens, leases, clock }))
  app.route('/v1', cloudRoutes({ settings, tokens, leases }))
  // "/sys/health": 200 of the active node, without a token.
  app.get('/v1/sys/health', (c) =>
    c.json({
      initialized: true,
      sealed: false,
      standby: false,
      server_time_utc: Math.floor(clock.now() / 1000),
    }),
  )
  app.route('/', databaseRoutes(leases))
  app.notFound((c) => {
    // A token is looked at before the route is: nobody without one learns what there is.
    const path = c.req.path.slice('/v1/'.length)
    tokens.admit(c.req.header('x-vault-token'), path, ['read'])
    const error = `no handler for route ${JSON.stringify(path)}. route entry not found.`
    return refusal(404, error).getResponse()
  })

  return {
    url,
    token: broker.id,
    faults,
    requests,
    settings,
    revoke(id) {
      const token = tokens.byId(id)
      if (token) tokens.revoke(token)
    },
    logins: () =>
      tokens
        .accessors()
        .map((accessor) => tokens.byAccessor(accessor)!)
        .filter(({ path }) => path === 'auth/jwt/login')
        .map(({ id }) => id),
    close,
  }
}
