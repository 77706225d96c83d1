/** How the end of a lease, or a failure to end it, goes on record. */
import type { Evidence, ProviderError } from '../provider.ts'
import type { Tx } from '../unit.ts'
import { backoff } from './backoff.ts'
import type { LeaseContext } from './context.ts'
import { aboutLease, type Lease } from './lease.ts'
import { transition } from './transition.ts'

/** After this long without success a lease is `irrevocable`: visible, counted, and still retried. */
const irrevocableAfterMs = 10 * 60_000

/** What the end of a lease leaves of it. The handle may be the credential itself: no longer needed, so erased (I7). */
const over = (now: number) =>
  ({ endedAt: now, handle: null, secretHash: null, dueAt: null, failingSince: null }) as const

/** Upstream no longer honours it. False, and nothing recorded, where the lease was not on its way out. */
export async function recordRevoked(context: LeaseContext, tx: Tx, lease: Lease): Promise<boolean> {
  const at = context.clock.now()
  // Upstream goes on refusing it only while what refuses it is kept up, and that is written from the handles.
  const kept = lease.revocation === 'eventual' && lease.handle !== null
  const change = kept ? { ...over(at), handle: lease.handle, dueAt: lease.upstreamExpiresAt } : over(at)
  const data = { attempts: lease.attempts + 1, fingerprint: lease.fingerprint }
  return await transition(context, tx, lease, { status: 'revoked', at, change, data })
}

/** Upstream minted nothing, or nothing that works. False, and nothing recorded, where the lease is no longer pending. */
export async function recordFailed(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  reason: string,
): Promise<boolean> {
  const at = context.clock.now()
  return await transition(context, tx, lease, { status: 'failed', at, change: over(at), data: { reason } })
}

/** The credential's own upstream life is over. */
export async function recordExpired(context: LeaseContext, tx: Tx, lease: Lease): Promise<void> {
  const at = context.clock.now()
  const data = { fingerprint: lease.fingerprint }
  if (!(await transition(context, tx, lease, { status: 'expired', at, change: over(at), data }))) return
  const evidence = { result: 'expired', method: 'its upstream expiry has passed', at } as const
  await context.leases.setEvidence(tx, lease.id, evidence)
}

/** An attempt failed; returns when the next is due. */
export async function recordAttempt(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  error: ProviderError,
): Promise<number> {
  const at = context.clock.now()
  const attempts = lease.attempts + 1
  const failingSince = lease.failingSince ?? at
  const lifeOver = lease.upstreamExpiresAt ?? lease.liveUntil ?? Infinity
  const dueAt = Math.min(at + backoff(attempts, error.retryAfter), lifeOver)
  const change = { attempts, failingSince, dueAt }
  const hopeless = error.kind === 'rejected' || at - failingSince >= irrevocableAfterMs
  const data = { attempts, reason: error.message }
  const given =
    hopeless && (await transition(context, tx, lease, { status: 'irrevocable', at, change, data }))
  if (!given) await context.leases.amend(tx, lease.id, ['revoking', 'irrevocable'], change)
  return dueAt
}

export async function recordEvidence(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  evidence: Evidence,
): Promise<void> {
  await context.leases.setEvidence(tx, lease.id, evidence)
  context.audit.record(tx, {
    at: evidence.at,
    type: 'lease.evidence',
    actor: 'broker',
    ...aboutLease(lease),
    data: { result: evidence.result, method: evidence.method },
  })
}
