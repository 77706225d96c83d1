/** What the upstreams themselves know: every credential ever minted, and its fate. */
import type { Clock } from '../base/clock.ts'

/** One credential. Times in milliseconds since 1970. */
export interface LedgerEntry {
  /** `github`, `aws`, `vault`. */
  provider: string
  secret: string
  /** What this upstream's own audit log calls the credential. */
  fingerprint: string
  mintedAt: number
  expiresAt: number
  revokedAt?: number
  /** What it reaches, in the upstream's own terms. */
  scope: unknown
  /** Requests that it was let through with; asking what it reaches and giving itself back are none. */
  uses: number
  /** Requests that it was refused, whether dead, out of its scope or lacking a permission. */
  refusals: number
}

export interface Ledger {
  readonly entries: LedgerEntry[]
  /**
   * The credentials neither revoked nor expired at this time, milliseconds since 1970: now, where
   * none is given, by the clock that the upstreams write by. Those of a suspended installation
   * count: they come back when the suspension is lifted.
   */
  alive(at?: number): LedgerEntry[]
  find(secret: string): LedgerEntry | undefined
  /** Called by an upstream when it mints. The entry is live: the upstream keeps it up to date. */
  record(minted: Omit<LedgerEntry, 'revokedAt' | 'uses' | 'refusals'>): LedgerEntry
}

/** `clock`: the one that the upstreams write by. It may be ahead of the machine's, which was set back meanwhile. */
export function createLedger(clock: Pick<Clock, 'now'>): Ledger {
  const entries: LedgerEntry[] = []
  const bySecret = new Map<string, LedgerEntry>()
  return {
    entries,
    alive: (at = clock.now()) =>
      entries.filter(({ expiresAt, revokedAt = Infinity }) => expiresAt > at && revokedAt > at),
    find: (secret) => bySecret.get(secret),
    record(minted) {
      const entry = { ...minted, uses: 0, refusals: 0 }
      entries.push(entry)
      bySecret.set(entry.secret, entry)
      return entry
    },
  }
}
