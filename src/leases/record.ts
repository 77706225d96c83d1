/** How the end of a lease, or a failure to end it, goes on record (docs/decisions/0011). */
import type { ProviderError } from '../provider/failure.ts'
import type { Evidence } from '../provider/upstream.ts'
import type { Tx } from '../base/unit.ts'
import { backoff } from './backoff.ts'
import type { LeaseContext } from './context.ts'
import { isKnown, showsEnd } from './evidence.ts'
import { aboutLease, endOf, type Lease } from './lease.ts'
import { type Step, transition } from './transition.ts'

/** After this long without success a lease is `irrevocable`: visible, counted, and still retried. */
const irrevocableAfterMs = 10 * 60_000

/** How long what upstream could not tell is left before it is asked again, where that holds up nothing. */
const askAgainMs = 60_000

/** What the end of a lease leaves of it. The handle may be the credential itself: no longer needed, so erased (I7). */
const over = (now: number) =>
  ({ endedAt: now, handle: null, secretHash: null, dueAt: null, failingSince: null }) as const

/**
 * Upstream no longer honours it, as `evidence` shows; without, there was nothing to honour.
 * False, and nothing recorded, where the lease was not on its way out, nor comes to be by `retiring`.
 */
export async function recordRevoked(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  evidence?: Evidence,
  retiring?: Step,
): Promise<boolean> {
  const at = context.clock.now()
  // Upstream goes on refusing it only while what refuses it is kept up, and that is written from the handles.
  const kept = lease.revocation === 'eventual' && lease.handle !== null
  const change = {
    ...over(at),
    ...(kept && { handle: lease.handle, dueAt: dueOnceRevoked(context, lease, evidence) }),
    ...(evidence && { evidence }),
  }
  const data = {
    provider: lease.provider,
    attempts: lease.attempts + 1,
    fingerprint: lease.fingerprint,
  }
  const revoked = { status: 'revoked', at, change, data, through: retiring } as const
  if (!(await transition(context, tx, lease, revoked))) return false
  if (evidence) recordEvidence(context, tx, lease, evidence)
  return true
}

/**
 * When a revoked lease is looked at next of which upstream must be reminded: at its end,
 * and before that where nobody could see yet what became of it.
 */
export function dueOnceRevoked(
  { clock }: Pick<LeaseContext, 'clock'>,
  { standsUntil }: Lease,
  evidence: Pick<Evidence, 'result'> | undefined,
): number | null {
  if (evidence?.result !== 'unknown' || standsUntil === null) return standsUntil
  return Math.min(clock.now() + askAgainMs, standsUntil)
}

/** What another look at a revoked lease has shown, if anything; returns when the next is due. */
export async function recordLook(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  evidence: Evidence | undefined,
): Promise<number> {
  const seen = evidence && showsEnd(lease, evidence) ? evidence : undefined
  const dueAt = dueOnceRevoked(context, lease, seen ?? { result: 'unknown' })
  const change = { dueAt, ...(seen && { evidence: seen }) }
  if ((await context.leases.amend(tx, lease.id, ['revoked'], change)) && seen)
    recordEvidence(context, tx, lease, seen)
  return dueAt ?? Infinity
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

/** The credential's own upstream life is over; `looked` is what came of trying it all the same. */
export async function recordExpired(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  looked?: Evidence,
): Promise<void> {
  const at = context.clock.now()
  const passed = 'its upstream expiry has passed'
  const method = looked ? `${passed}; ${looked.method}` : passed
  const evidence = { result: 'expired', method, at } as const
  const change = { ...over(at), evidence }
  const data = { fingerprint: lease.fingerprint }
  if (await transition(context, tx, lease, { status: 'expired', at, change, data }))
    recordEvidence(context, tx, lease, evidence)
}

/**
 * Whether attempts have failed, since its own end had passed by our clock, for as long as it was to live:
 * however far that clock was ahead at the first of them, its life is over since.
 */
export function hasLivedTwice(lease: Lease, now: number): boolean {
  const end = endOf(lease)
  const { failingSince, createdAt } = lease
  if (end === null || failingSince === null || failingSince < end) return false
  return now - failingSince >= end - createdAt
}

/**
 * An attempt failed, or what came of it does not show an end; returns when the next is due.
 * `beyondEnd`: it was made because the lease's own end had passed.
 */
export async function recordAttempt(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  error: ProviderError,
  { evidence, beyondEnd = false }: { evidence?: Evidence | undefined; beyondEnd?: boolean } = {},
): Promise<number> {
  const at = context.clock.now()
  const attempts = lease.attempts + 1
  const next = at + backoff(attempts, error.retryAfter)
  const lifeOver = endOf(lease) ?? Infinity
  const before = lease.failingSince ?? at
  // Failures beyond its end are counted by themselves.
  const failingSince = beyondEnd && before < lifeOver ? at : before
  // Beyond it there is none to wait for.
  const dueAt = beyondEnd ? next : Math.min(next, lifeOver)
  const news = evidence && !isKnown(lease, evidence) ? evidence : undefined
  const change = { attempts, failingSince, dueAt, ...(news && { evidence: news }) }
  const data = { attempts, reason: error.message }
  const enter = (status: 'revoking' | 'irrevocable') =>
    transition(context, tx, lease, { status, at, change, data })
  const hopeless = error.kind === 'rejected' || at - failingSince >= irrevocableAfterMs
  const changed =
    (hopeless && (await enter('irrevocable'))) ||
    (await context.leases.amend(tx, lease.id, ['revoking', 'irrevocable'], change)) ||
    // Delivered until the end that upstream named, and alive beyond it.
    (lifeOver <= at && (await enter('revoking')))
  if (changed && news) recordEvidence(context, tx, lease, news)
  return dueAt
}

/** Whatever a row says of evidence, an event says too. */
function recordEvidence(
  { audit }: Pick<LeaseContext, 'audit'>,
  tx: Tx,
  lease: Lease,
  { result, method, at }: Evidence,
): void {
  audit.record(tx, {
    at,
    type: 'lease.evidence',
    actor: 'broker',
    ...aboutLease(lease),
    data: { result, method },
  })
}
