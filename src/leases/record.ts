/** How the end of a lease, or a failure to end it, goes on record. Each is one change of state and its event. */
import type { Evidence, ProviderError } from '../provider.ts'
import type { Tx } from '../unit.ts'
import { backoff } from './backoff.ts'
import { about, type LeaseContext } from './context.ts'
import type { Lease } from './lease.ts'

/** After this long without success a lease is `irrevocable`: visible, counted, and still retried. */
const irrevocableAfterMs = 10 * 60_000

/** What the end of a lease leaves of it. The handle may be the credential itself: no longer needed, so erased (I7). */
const over = (now: number) =>
  ({ endedAt: now, handle: null, secretHash: null, dueAt: null, failingSince: null }) as const

/** Upstream no longer honours it. False, and nothing recorded, where the lease was not on its way out. */
export async function recordRevoked(context: LeaseContext, tx: Tx, lease: Lease): Promise<boolean> {
  const now = context.clock.now()
  // Upstream goes on refusing it only while what refuses it is kept up, and that is written from the handles.
  const kept = lease.revocation === 'eventual' && lease.handle !== null
  const change = kept ? { ...over(now), handle: lease.handle, dueAt: lease.upstreamExpiresAt } : over(now)
  if (!(await context.leases.move(tx, lease.id, 'revoked', change))) return false
  context.audit.record(tx, {
    at: now,
    type: 'lease.revoked',
    actor: 'broker',
    ...about(lease),
    status: 'revoked',
    data: { attempts: lease.attempts + 1, fingerprint: lease.fingerprint },
  })
  return true
}

/** Upstream minted nothing, or nothing that works. False, and nothing recorded, where the lease is no longer pending. */
export async function recordFailed(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  reason: string,
): Promise<boolean> {
  const now = context.clock.now()
  if (!(await context.leases.move(tx, lease.id, 'failed', over(now)))) return false
  context.audit.record(tx, {
    at: now,
    type: 'lease.failed',
    actor: 'broker',
    ...about(lease),
    status: 'failed',
    data: { reason },
  })
  return true
}

/** The credential's own upstream life is over. */
export async function recordExpired(context: LeaseContext, tx: Tx, lease: Lease): Promise<void> {
  const now = context.clock.now()
  if (!(await context.leases.move(tx, lease.id, 'expired', over(now)))) return
  await context.leases.setEvidence(tx, lease.id, {
    result: 'expired',
    method: 'its upstream expiry has passed',
    at: now,
  })
  context.audit.record(tx, {
    at: now,
    type: 'lease.expired',
    actor: 'broker',
    ...about(lease),
    status: 'expired',
    data: { fingerprint: lease.fingerprint },
  })
}

/** An attempt failed; returns when the next is due. */
export async function recordAttempt(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  error: ProviderError,
): Promise<number> {
  const now = context.clock.now()
  const attempts = lease.attempts + 1
  const failingSince = lease.failingSince ?? now
  const lifeOver = lease.upstreamExpiresAt ?? lease.liveUntil ?? Infinity
  const dueAt = Math.min(now + backoff(attempts, error.retryAfter), lifeOver)
  const change = { attempts, failingSince, dueAt }
  const hopeless = error.kind === 'rejected' || now - failingSince >= irrevocableAfterMs
  if (hopeless && (await context.leases.move(tx, lease.id, 'irrevocable', change)))
    context.audit.record(tx, {
      at: now,
      type: 'lease.irrevocable',
      actor: 'broker',
      ...about(lease),
      status: 'irrevocable',
      data: { attempts, reason: error.message },
    })
  else await context.leases.amend(tx, lease.id, ['revoking', 'irrevocable'], change)
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
    ...about(lease),
    data: { result: evidence.result, method: evidence.method },
  })
}
