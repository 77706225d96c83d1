/** Leases of dynamic secrets (OpenBao 2.6, `vault/expiration.go`), and the database whose users they are. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Ledger, LedgerEntry } from '../ledger.ts'
import { refusal, several } from './refusal.ts'
import type { VaultSettings } from './settings.ts'
import type { Token } from './tokens.ts'

export interface Lease {
  id: string
  path: string
  issuedAt: number
  username: string
  /** The user's life; its secret is the password. */
  entry: LedgerEntry
}

export interface Leases {
  /** Makes a user that goes when the token does, or `ttl` seconds from now. @throws a refusal, 500 */
  create(token: Token, path: string, ttl: number): Lease
  find(id: string): Lease | undefined
  /** At once, or by the queue. An unknown lease is no error. @throws a refusal, 400, when the database fails */
  revoke(id: string, sync: boolean): void
  /** Whether the database lets this user in. */
  logIn(username: string, password: string): boolean
}

export function createLeases({
  settings,
  clock,
  ledger,
}: {
  settings: VaultSettings
  clock: Clock
  ledger: Ledger
}): Leases {
  const leases = new Map<string, Lease>()
  const alive = ({ entry }: Lease) => entry.revokedAt === undefined && entry.expiresAt > clock.now()
  const find = (id: string) => {
    const lease = leases.get(id)
    return lease && alive(lease) ? lease : undefined
  }
  /** `lazyRevokeInternal`: it has expired, as far as the queue is concerned, and goes when its turn comes. */
  const enqueue = ({ entry }: Lease) => {
    // Of a database that is down the queue lets go after six attempts: the user stays.
    if (!settings.databaseDown)
      entry.expiresAt = Math.min(entry.expiresAt, clock.now() + settings.revocationDelay)
  }

  return {
    create(token, path, ttl) {
      if (settings.databaseDown) throw refusal(500, several('connection refused'))
      const mintedAt = clock.now()
      const id = `${path}/${randomBytes(12).toString('hex')}`
      const lease = {
        id,
        path,
        issuedAt: mintedAt,
        username: `v-token-${randomBytes(10).toString('hex')}`,
        entry: ledger.record({
          provider: 'vault',
          secret: randomBytes(15).toString('base64url'),
          // The audit log of a reading names the token that read.
          fingerprint: token.accessor,
          mintedAt,
          expiresAt: Math.min(mintedAt + ttl * 1000, token.entry.expiresAt),
          scope: { path, accessor: token.accessor },
        }),
      }
      leases.set(id, lease)
      token.onRevoke.add(() => enqueue(lease))
      return lease
    },
    find,
    revoke(id, sync) {
      const lease = find(id)
      if (!lease) return
      if (!sync) return enqueue(lease)
      // `handleError` tells whatever the engine says as 400.
      if (settings.databaseDown)
        throw refusal(400, 'failed to revoke entry: resp: (*logical.Response)(nil) err: connection refused')
      lease.entry.revokedAt = clock.now()
    },
    logIn(username, password) {
      const lease = [...leases.values()].find((each) => each.username === username)
      if (!lease) return false
      const admitted = alive(lease) && lease.entry.secret === password
      lease.entry[admitted ? 'uses' : 'refusals'] += 1
      return admitted
    },
  }
}
