/** Leases of dynamic secrets (OpenBao 2.6, `vault/expiration.go`), and the database whose users they are. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Ledger, LedgerEntry } from '../ledger.ts'
import { refusal, several } from './refusal.ts'
import type { VaultSettings } from './settings.ts'
import type { Standby } from './standby.ts'
import type { Token } from './tokens.ts'

/** What a lease is made for. */
export interface Leased {
  path: string
  /** Seconds. */
  ttl: number
  renewable: boolean
  /** Whether the secret lives `ttl` seconds whatever becomes of its lease: revoking does nothing in its engine. */
  lasting: boolean
}

export interface Lease extends Leased {
  id: string
  issuedAt: number
  endsAt: number
  revokedAt: number | undefined
  /** Of a user of the database. */
  username: string
  /** The secret's life; its secret is the password, or the session's token. */
  entry: LedgerEntry
}

export interface Leases {
  /** Makes a secret that goes when the token does, or at its own end. */
  create(token: Token, leased: Leased): Lease
  find(id: string): Lease | undefined
  /** At once, or by the queue. An unknown lease is no error. @throws a refusal, 400, when the database fails */
  revoke(id: string, sync: boolean): void
  /** Whether the database lets this user in. */
  logIn(username: string, password: string): boolean
}

export function createLeases({
  settings,
  standby,
  clock,
  ledger,
}: {
  settings: VaultSettings
  standby: Standby
  clock: Clock
  ledger: Ledger
}): Leases {
  const leases = new Map<string, Lease>()
  const { knows } = standby
  /** As far as the node that answers has heard. */
  const find = (id: string) => {
    const lease = leases.get(id)
    if (!lease || !knows(lease.issuedAt) || lease.endsAt <= clock.now()) return undefined
    return lease.revokedAt === undefined || !knows(lease.revokedAt) ? lease : undefined
  }
  const fails = ({ lasting }: Leased) => settings.databaseDown && !lasting
  /** `lazyRevokeInternal`: it has expired, as far as the queue is concerned, and goes when its turn comes. */
  const enqueue = (lease: Lease) => {
    // Of a database that is down the queue lets go after six attempts: the user stays.
    if (fails(lease)) return
    lease.endsAt = Math.min(lease.endsAt, clock.now() + settings.revocationDelay)
    if (!lease.lasting) lease.entry.expiresAt = Math.min(lease.entry.expiresAt, lease.endsAt)
  }
  const end = (lease: Lease) => {
    lease.revokedAt ??= clock.now()
    if (!lease.lasting) lease.entry.revokedAt ??= clock.now()
    standby.changed()
  }

  return {
    create(token, leased) {
      if (fails(leased)) throw refusal(500, several('connection refused'))
      const { path, ttl, lasting } = leased
      const mintedAt = clock.now()
      const id = `${path}/${randomBytes(12).toString('hex')}`
      const ownEnd = mintedAt + ttl * 1000
      const endsAt = Math.min(ownEnd, token.entry.expiresAt)
      const lease: Lease = {
        ...leased,
        id,
        issuedAt: mintedAt,
        endsAt,
        revokedAt: undefined,
        username: `v-token-${randomBytes(10).toString('hex')}`,
        entry: ledger.record({
          provider: 'vault',
          secret: randomBytes(15).toString('base64url'),
          // The audit log of a reading names the token that read.
          fingerprint: token.accessor,
          mintedAt,
          expiresAt: lasting ? ownEnd : endsAt,
          scope: { path, accessor: token.accessor },
        }),
      }
      leases.set(id, lease)
      token.onRevoke.add(() => enqueue(lease))
      standby.changed()
      return lease
    },
    find,
    revoke(id, sync) {
      const lease = find(id)
      if (!lease) return
      if (!sync) return enqueue(lease)
      // `handleError` tells whatever the engine says as 400.
      if (fails(lease))
        throw refusal(400, 'failed to revoke entry: resp: (*logical.Response)(nil) err: connection refused')
      end(lease)
    },
    logIn(username, password) {
      const lease = [...leases.values()].find((each) => each.username === username)
      if (!lease) return false
      const { entry } = lease
      const lives = entry.revokedAt === undefined && entry.expiresAt > clock.now()
      const admitted = lives && entry.secret === password
      entry[admitted ? 'uses' : 'refusals'] += 1
      return admitted
    },
  }
}
