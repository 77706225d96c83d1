/**
 * GitHub as a GitHub App sees it: installations, their tokens, and repositories
 * in which a token can be used. Rules without a source beside them are from
 * GitHub's REST API reference, "GitHub Apps" and "Repositories". Where GitHub
 * publishes no rule, the one that is worse for the client holds.
 */
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../base/clock.ts'
import type { Faults, RequestLine } from './faults.ts'
import { createAccounts } from './github/accounts.ts'
import { appRoutes } from './github/app.ts'
import { gitRoutes } from './github/git.ts'
import { refusal } from './github/refusal.ts'
import { repositoryRoutes } from './github/repositories.ts'
import { defaultSettings, type GithubSettings } from './github/settings.ts'
import { createTokens } from './github/tokens.ts'
import { voice } from './github/voice.ts'
import type { Ledger } from './ledger.ts'
import { listen } from './server.ts'

export type { GithubSettings }

export interface SandboxGithub {
  /** The API's base URL, without a trailing slash; git's too: `URL/acme/web.git`. */
  url: string
  appId: number
  /** PEM (PKCS#1, as GitHub hands it out), made at the start. */
  privateKey: string
  faults: Faults
  requests: RequestLine[]
  settings: GithubSettings
  /** As an owner does in the settings. Default: the first installation. */
  suspend(installationId?: number): void
  unsuspend(installationId?: number): void
  close(): Promise<void>
}

const appId = 424242

export async function startGithub(
  clock: Clock,
  ledger: Ledger,
  overrides: Partial<GithubSettings> = {},
  port?: number,
): Promise<SandboxGithub> {
  const settings = { ...defaultSettings(), ...overrides }
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const accounts = createAccounts(settings, clock)
  const tokens = createTokens({ appId, settings, accounts, clock, ledger })
  const { app, url, faults, requests, close } = await listen(clock, port, voice)

  app.use(async (c, next) => {
    // "Getting started with the REST API": a request without a User-Agent is rejected.
    if (!c.req.header('user-agent')) {
      throw refusal(403, 'Request forbidden by administrative rules. A User-Agent header is required.')
    }
    await next()
  })
  app.route('/', appRoutes({ appId, publicKey, accounts, tokens, clock, url }))
  app.route('/', repositoryRoutes({ accounts, tokens, clock, url }))
  const git = gitRoutes({ accounts, tokens })
  app.route('/', git.routes)
  app.notFound(() => refusal(404, 'Not Found').getResponse())

  return {
    url,
    appId,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    faults,
    requests,
    settings,
    suspend: (installationId = settings.installationId) => accounts.suspend(installationId),
    unsuspend: (installationId = settings.installationId) => accounts.unsuspend(installationId),
    async close() {
      await close()
      await git.close()
    },
  }
}
