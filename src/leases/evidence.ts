/** What was found of a credential, and whether its lease is over by that. */
import type { Evidence } from '../provider/upstream.ts'
import type { Lease } from './lease.ts'

/** Whether upstream was seen to honour it no more: never told by what a revocation was answered. */
export function showsEnd({ revocation }: Pick<Lease, 'revocation'>, { result }: Evidence): boolean {
  if (result === 'denied') return revocation === 'eventual'
  return result === 'dead' || result === 'gone' || result === 'expired'
}

/**
 * Whether the lease may be called over. What denies an `eventual` one was read back
 * when it was written, so that only the contrary keeps it from that.
 */
export function settles(lease: Pick<Lease, 'revocation'>, evidence: Evidence): boolean {
  return showsEnd(lease, evidence) || (lease.revocation === 'eventual' && evidence.result === 'unknown')
}

/** Whether `found` is nothing that the lease does not say already: when it was first found is what it keeps. */
export function isKnown({ evidence }: Pick<Lease, 'evidence'>, found: Evidence): boolean {
  return evidence?.result === found.result && evidence.method === found.method
}
