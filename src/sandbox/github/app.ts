/** The endpoints that the app calls as itself, with a JWT signed by its private key. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { sameName, type Accounts } from './accounts.ts'
import { appJwtCheck } from './app-jwt.ts'
import { readBody } from './body.ts'
import { accessTokenRequest, grantFor } from './grant.ts'
import { refusal } from './refusal.ts'
import type { GithubInstallation } from './settings.ts'
import type { Tokens } from './tokens.ts'

export function appRoutes({
  appId,
  publicKey,
  accounts,
  tokens,
  clock,
  url,
}: {
  appId: number
  publicKey: KeyObject
  accounts: Accounts
  tokens: Tokens
  clock: Clock
  url: string
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const check = appJwtCheck(appId, publicKey, clock)
  const asApp: MiddlewareHandler = async (c, next) => {
    await check(c.req.header('authorization'))
    await next()
  }

  const identity = { app_id: appId, app_slug: 'sandbox' }
  const answer = (c: Context, installation: GithubInstallation | undefined) => {
    if (!installation) throw refusal(404, 'Not Found')
    const id = installation.installationId
    return c.json({
      ...identity,
      ...accounts.installationJson(installation),
      access_tokens_url: `${url}/app/installations/${id}/access_tokens`,
      repositories_url: `${url}/installation/repositories`,
    })
  }
  const named = (id: string) => {
    const installation = /^\d+$/.test(id) ? accounts.byId(Number(id)) : undefined
    if (!installation) throw refusal(404, 'Not Found')
    return installation
  }

  app.get('/app', asApp, (c) => c.json({ id: appId, slug: identity.app_slug, name: 'Sandbox', events: [] }))

  app.get('/app/installations/:id', asApp, (c) => answer(c, named(c.req.param('id'))))
  app.get('/repos/:owner/:repo/installation', asApp, (c) => {
    const { owner, repo } = c.req.param()
    const installation = accounts.byOwner(owner)
    return answer(
      c,
      installation?.repositories.some((name) => sameName(name, repo)) ? installation : undefined,
    )
  })
  app.get('/orgs/:owner/installation', asApp, (c) => {
    const installation = accounts.byOwner(c.req.param('owner'))
    return answer(c, installation?.ownerType === 'Organization' ? installation : undefined)
  })
  // Finds organizations too: `actions/create-github-app-token` relies on it.
  app.get('/users/:owner/installation', asApp, (c) => answer(c, accounts.byOwner(c.req.param('owner'))))

  app.post('/app/installations/:id/access_tokens', asApp, async (c) => {
    const installation = named(c.req.param('id'))
    if (accounts.suspendedAt(installation.installationId) !== undefined) {
      throw refusal(403, 'This installation has been suspended')
    }
    const asked = await readBody(c.req, accessTokenRequest)
    const grant = grantFor(asked, installation, accounts.repositories(installation))
    const { secret, expiresAt } = tokens.mint(grant)
    return c.json(
      {
        token: secret,
        // Whole seconds, as GitHub writes it.
        expires_at: new Date(expiresAt).toISOString().replace(/\.\d+Z$/, 'Z'),
        permissions: grant.permissions,
        repository_selection: grant.repositories ? 'selected' : 'all',
        ...(grant.repositories && { repositories: grant.repositories.map(accounts.repositoryJson) }),
      },
      201,
    )
  })

  app.put('/app/installations/:id/suspended', asApp, (c) => {
    accounts.suspend(named(c.req.param('id')).installationId)
    return c.body(null, 204)
  })
  app.delete('/app/installations/:id/suspended', asApp, (c) => {
    accounts.unsuspend(named(c.req.param('id')).installationId)
    return c.body(null, 204)
  })
  return app
}
