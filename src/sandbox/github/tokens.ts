/** Installation tokens: minted, presented, revoked. */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Ledger, LedgerEntry } from '../ledger.ts'
import type { Accounts } from './accounts.ts'
import type { Grant } from './grant.ts'
import { refusal } from './refusal.ts'
import type { GithubSettings } from './settings.ts'

/** A token that was presented and is alive. */
export interface Presented extends Grant {
  entry: LedgerEntry
}

export interface Tokens {
  mint(grant: Grant): LedgerEntry
  /** @throws a refusal: 401 for a token that is not alive, 403 for a suspended installation's; either for a new one */
  present(authorization: string | undefined): Presented
  revoke(token: Presented): void
}

export function createTokens({
  appId,
  settings,
  accounts,
  clock,
  ledger,
}: {
  appId: number
  settings: GithubSettings
  accounts: Accounts
  clock: Clock
  ledger: Ledger
}): Tokens {
  const grants = new Map<string, Presented>()
  return {
    mint(grant) {
      const secret = randomToken(appId)
      const mintedAt = clock.now()
      const entry = ledger.record({
        provider: 'github',
        secret,
        // The `hashed_token` of "Identifying audit log events performed by an access token".
        fingerprint: createHash('sha256').update(secret).digest('base64'),
        mintedAt,
        expiresAt: mintedAt + settings.tokenLife,
        scope: {
          installation_id: grant.installation.installationId,
          repositories: grant.repositories?.map(({ owner, name }) => `${owner}/${name}`) ?? 'all',
          permissions: grant.permissions,
        },
      })
      grants.set(secret, { ...grant, entry })
      return entry
    },

    present(authorization) {
      // "Authenticating to the REST API": either scheme.
      const secret = /^(?:token|bearer) ([^\s]+)$/i.exec(authorization ?? '')?.[1]
      const token = grants.get(secret ?? '')
      if (!token) throw refusal(401, 'Bad credentials')
      const { entry, installation } = token
      const now = clock.now()
      const refused = (status: 401 | 403, message: string) => {
        entry.refusals += 1
        return refusal(status, message)
      }
      if (now < entry.mintedAt + settings.replicationDelay)
        throw settings.replicationRefusal === 401
          ? refused(401, 'Bad credentials')
          : refused(403, 'Resource not accessible by integration')
      if (Math.min(entry.revokedAt ?? Infinity, entry.expiresAt) <= now) throw refused(401, 'Bad credentials')
      if (accounts.suspendedAt(installation.installationId) !== undefined)
        throw refused(403, 'This installation has been suspended')
      return token
    },

    revoke: ({ entry }) => {
      entry.revokedAt ??= clock.now() + settings.revocationDelay
    },
  }
}

/** The stateless form, `ghs_APPID_JWT` (GitHub's changelog, April 2026), except that nothing can be read from it. */
function randomToken(appId: number): string {
  const part = (bytes: number) => randomBytes(bytes).toString('base64url')
  return `ghs_${appId}_${part(20)}.${part(105)}.${part(256)}`
}
