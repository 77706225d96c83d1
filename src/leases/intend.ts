/** Intent first: the lease is durable before the upstream call (invariant I1). */
import { BrokerError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import { isoTime } from '../base/iso-time.ts'
import { classesOf } from '../provider/terms.ts'
import type { Share } from '../agents/registry.ts'
import type { Tx } from '../base/unit.ts'
import { requestsOf, type ResolvedDetail } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { aboutLease, type Lease } from './lease.ts'
import { upstreamLimit } from './upstream.ts'

/** What a lease knows of its task: nothing else of a task matters here. */
export interface LeaseHolder {
  task: string
  agent: string
  owner: string
  /** Whose room upstream it takes. */
  share: Share
  issuer: string
  identity: string
  /** Milliseconds since 1970. */
  deadline: number
  /** Who acts for whom, where a task hangs off others: goes on record as it is. */
  act?: object
}

/** How long an intent may stand before its outcome counts as unknown: the mint's time limit, and a margin to record it. */
const outcomeKnownWithinMs = upstreamLimit.mint + 10_000

/**
 * Puts the lease on record as `pending` in the transaction that has admitted it, or
 * says why not: `unavailable` where the connection is no longer what it was,
 * `limit_exceeded` where upstream has no room for it.
 *
 * The caller throws a refusal once the transaction is durable, and mints (`mint`)
 * what was intended.
 */
export async function intend(
  context: LeaseContext,
  tx: Tx,
  { resolved, holder }: { resolved: ResolvedDetail; holder: LeaseHolder },
): Promise<{ lease: Lease } | { refused: BrokerError }> {
  const { leases, audit, clock } = context
  const { entry, detail, asked } = resolved
  // A reload since the request began may have taken the connection away: nothing could revoke what it mints.
  const current = context.connections().get(entry.provider.type, entry.name)
  if (!current || current.retired || current.terms.leadsTo !== entry.terms.leadsTo)
    return { refused: reconfigured() }
  const crowded = await slotRefusal(context, tx, resolved, holder.share)
  if (crowded) return { refused: crowded }
  const now = clock.now()
  const lease: Lease = {
    id: newId('lease', now),
    task: holder.task,
    agent: holder.agent,
    owner: holder.owner,
    issuer: holder.issuer,
    identity: holder.identity,
    provider: entry.provider.type,
    connection: entry.name,
    upstream: entry.terms.leadsTo,
    slot: entry.terms.slot?.(detail).key ?? null,
    status: 'pending',
    detail: asked,
    classes: classesOf(requestsOf(resolved)),
    revocation: entry.terms.revocation(detail),
    createdAt: now,
    deadline: holder.deadline,
    upstreamExpiresAt: null,
    standsUntil: null,
    liveUntil: null,
    endedAt: null,
    fingerprint: null,
    evidence: null,
    secretHash: null,
    handle: null,
    dueAt: now + outcomeKnownWithinMs,
    attempts: 0,
    failingSince: null,
  }
  await leases.insert(tx, lease)
  audit.record(tx, {
    at: now,
    type: 'lease.intended',
    actor: `agent:${lease.agent}`,
    ...aboutLease(lease),
    status: 'pending',
    data: {
      identity: lease.identity,
      provider: lease.provider,
      connection: lease.connection,
      upstream: lease.upstream,
      detail: lease.detail,
      classes: lease.classes,
      revocation: lease.revocation,
      ...(holder.act && { act: holder.act }),
    },
  })
  return { lease }
}

function reconfigured(): BrokerError {
  return new BrokerError('unavailable', 'the configuration has just changed', { retryAfter: 1 })
}

/**
 * Where upstream has room for only so many, nobody may take it all: a quarter is an
 * agent's, or a person's of it, share (invariant I4), through whatever connections it is taken.
 */
async function slotRefusal(
  { leases, clock }: LeaseContext,
  tx: Tx,
  { entry, detail }: ResolvedDetail,
  whose: Share,
): Promise<BrokerError | undefined> {
  const slot = entry.terms.slot?.(detail)
  if (!slot) return undefined
  const now = clock.now()
  const room = { provider: entry.provider.type, slot: slot.key, whose, now }
  const taken = await leases.slotsTaken(tx, room)
  const share = Math.floor((entry.upstream.room?.(slot.key) ?? slot.total) / 4)
  if (taken.length < share) return undefined
  // As many as are too many must have ended, and one more.
  const free = taken[taken.length - share]
  const known = free !== undefined && Number.isFinite(free)
  return new BrokerError('limit_exceeded', slotWords(slot.key, share, known ? free : undefined), {
    // What is being minted takes its slot for as long as upstream's shortest lives, if not longer.
    retryAfter: known ? Math.max(1, Math.ceil((free - now) / 1000)) : entry.terms.minTtl(detail),
  })
}

function slotWords(key: string, share: number, free: number | undefined): string {
  if (share === 0) return `upstream has no room to take anything back on ${key}`
  const next = free === undefined ? 'some are being minted' : `the next is free at ${isoTime(free)}`
  return `this agent has its share of what can be taken back on ${key}, ${share} credentials; each counts for as long as upstream has to refuse it, given back or not, and ${next}`
}
