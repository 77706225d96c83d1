/** Minting: intent, upstream, record, and only then the credential (invariants I1 and I2). */
import { withinLimit } from '../clock.ts'
import { sha256 } from '../digest.ts'
import { BrokerError } from '../errors.ts'
import { newId } from '../id.ts'
import type { AuthorizationRequest, Class, Minted, ProviderError } from '../provider.ts'
import type { Tx } from '../unit.ts'
import type { ResolvedDetail } from './connections.ts'
import { about, asProviderError, type LeaseContext, sealHandle, upstreamLimit } from './context.ts'
import { intentOf, type Lease } from './lease.ts'
import { recordFailed, recordRevoked } from './record.ts'
import { retire } from './retire.ts'
import type { Revoker } from './revoke.ts'
import { salvage } from './salvage.ts'

/** What a lease knows of its task: nothing else of a task matters here. */
export interface LeaseHolder {
  task: string
  agent: string
  owner: string
  issuer: string
  /** Milliseconds since 1970. */
  deadline: number
}

/** The last check's answer. A refusal is thrown once what the check recorded of it is durable. */
export type Admission = { holder: LeaseHolder } | { refused: BrokerError }

export interface MintRequest {
  resolved: ResolvedDetail
  /** Runs in the intent's transaction. */
  admit: (tx: Tx) => Promise<Admission>
  /** Runs in the intent's transaction too, once the lease is in it. */
  intended?: (tx: Tx, leaseId: string) => Promise<void>
  /** Aborts when the client has gone away. */
  gone?: AbortSignal | undefined
}

/** A lease just minted, and its secret: the only place where both are together. */
export interface MintedLease {
  lease: Lease
  /** Shaped per provider (design §10). */
  credential: Record<string, unknown>
  accessToken: string | undefined
}

/** How long an intent may stand before its outcome counts as unknown: the mint's time limit, and a margin to record it. */
const outcomeKnownWithinMs = upstreamLimit.mint + 10_000

/** The distinct classes among `requests`. */
export function classesOf(requests: readonly AuthorizationRequest[]): Class[] {
  return [...new Set(requests.map((request) => request.class))]
}

/**
 * Mints one credential.
 *
 * @throws BrokerError what `admit` refuses with; `provider_rejected`;
 *   `provider_unavailable`; `task_not_active` when the task ended meanwhile;
 *   `unavailable` when the store fails. Whatever upstream minted in any of these
 *   is revoked, never delivered.
 */
export async function mint(
  context: LeaseContext,
  revoker: Revoker,
  request: MintRequest,
): Promise<MintedLease> {
  const intended = await intend(context, request)
  const minted = await callUpstream(context, request, intended)
  let recorded: Lease
  try {
    recorded = await record(context, intended, minted)
  } catch (error) {
    salvage(context, revoker, intended, request.resolved.entry, minted)
    throw error
  }
  if (recorded.status !== 'active') {
    await revoker.revoke(recorded)
    if (minted.wider !== undefined) throw new BrokerError('provider_rejected', minted.wider)
    throw new BrokerError('task_not_active', 'the task ended while its credential was being minted')
  }
  if (request.gone?.aborted) {
    await takeBack(context, revoker, recorded)
    throw new BrokerError('unavailable', 'the client went away before the credential could be delivered')
  }
  return { lease: recorded, credential: minted.credential, accessToken: minted.accessToken }
}

async function intend(context: LeaseContext, { resolved, admit, intended }: MintRequest): Promise<Lease> {
  const { unit, leases, audit, clock, wake } = context
  const { entry, detail } = resolved
  const outcome = await unit.write(async (tx) => {
    const admission = await admit(tx)
    if ('refused' in admission) return admission
    const { holder } = admission
    // A reload since the request began may have taken the connection away: nothing could revoke what it mints.
    const current = context.connections().get(entry.provider.type, entry.name)
    if (!current || current.retired || current.connection.upstream !== entry.connection.upstream)
      return { refused: reconfigured() }
    const crowded = await slotFault(context, tx, resolved, holder.agent)
    if (crowded) return { refused: crowded }
    const now = clock.now()
    const lease: Lease = {
      id: newId('lease'),
      task: holder.task,
      agent: holder.agent,
      owner: holder.owner,
      issuer: holder.issuer,
      provider: entry.provider.type,
      connection: entry.name,
      upstream: entry.connection.upstream,
      slot: entry.connection.slot?.(detail).key ?? null,
      status: 'pending',
      detail,
      classes: classesOf(entry.connection.requests(detail)),
      revocation: entry.connection.revocation(detail),
      createdAt: now,
      deadline: holder.deadline,
      upstreamExpiresAt: null,
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
    await intended?.(tx, lease.id)
    audit.record(tx, {
      at: now,
      type: 'lease.intended',
      actor: `agent:${lease.agent}`,
      ...about(lease),
      status: 'pending',
      data: {
        provider: lease.provider,
        connection: lease.connection,
        upstream: lease.upstream,
        detail,
        classes: lease.classes,
        revocation: lease.revocation,
      },
    })
    return { lease }
  })
  if ('refused' in outcome) throw outcome.refused
  wake(outcome.lease.dueAt!)
  return outcome.lease
}

function reconfigured(): BrokerError {
  return new BrokerError('unavailable', 'the configuration has just changed', { retryAfter: 1 })
}

/** Where upstream has room for only so many, nobody may take it all: a quarter is an agent's share (invariant I4). */
async function slotFault(
  { leases, clock }: LeaseContext,
  tx: Tx,
  { entry, detail }: ResolvedDetail,
  agent: string,
): Promise<BrokerError | undefined> {
  const slot = entry.connection.slot?.(detail)
  if (!slot) return undefined
  const room = {
    provider: entry.provider.type,
    connection: entry.name,
    slot: slot.key,
    agent,
    now: clock.now(),
  }
  const taken = await leases.countSlots(tx, room)
  if (taken.agent < Math.floor(slot.total / 4)) return undefined
  return new BrokerError(
    'limit_exceeded',
    `this agent holds its share of what can be revoked on ${slot.key}`,
    {
      retryAfter: 60,
    },
  )
}

async function callUpstream(context: LeaseContext, request: MintRequest, lease: Lease): Promise<Minted> {
  const { connection } = request.resolved.entry
  try {
    return await withinLimit(context.clock, upstreamLimit.mint, (signal) =>
      connection.mint(lease.detail, intentOf(lease), { signal }),
    )
  } catch (error) {
    const failure = asProviderError(error)
    await recordFailure(context, lease, failure)
    throw failure.kind === 'rejected'
      ? new BrokerError('provider_rejected', failure.message, { cause: error })
      : new BrokerError('provider_unavailable', failure.message, {
          cause: error,
          retryAfter: Math.min(60, failure.retryAfter ?? 5),
        })
  }
}

/** Where upstream may have minted all the same, the lease goes to recovery; otherwise it is over. */
async function recordFailure(context: LeaseContext, lease: Lease, failure: ProviderError): Promise<void> {
  const { unit, leases, audit, clock, wake } = context
  if (!failure.maybeDone) {
    await unit.write(async (tx) => {
      const failed = await recordFailed(context, tx, lease, failure.message)
      // Retired meanwhile by the end of its task: then there is nothing to revoke either.
      if (!failed) await recordRevoked(context, tx, lease)
    })
    return
  }
  const now = clock.now()
  await unit.write(async (tx) => {
    if (await leases.move(tx, lease.id, 'revoking', { dueAt: now }))
      audit.record(tx, {
        at: now,
        type: 'lease.retired',
        actor: 'broker',
        ...about(lease),
        status: 'revoking',
        data: { reason: failure.message },
      })
    else await leases.amend(tx, lease.id, ['revoking'], { dueAt: now })
  })
  wake(now)
}

/** Makes the lease `active`, unless it was retired meanwhile or the answer is wider than asked: then it goes. */
async function record(context: LeaseContext, lease: Lease, minted: Minted): Promise<Lease> {
  const { unit, leases, audit, seal, clock } = context
  return await unit.write(async (tx) => {
    const known = {
      upstreamExpiresAt: minted.expiresAt,
      deadline: Math.min(lease.deadline, minted.expiresAt),
      fingerprint: minted.fingerprint,
      secretHash: minted.accessToken === undefined ? null : sha256(minted.accessToken),
      // Sealed in the transaction: a reload drops a key in one, having seen that nothing is sealed with it.
      handle: sealHandle(seal, lease.id, minted.handle),
    }
    const now = clock.now()
    const event = { at: now, actor: 'broker', ...about(lease) } as const
    const activated = { ...known, dueAt: known.deadline }
    // The reaper may be a moment behind: a task past its deadline is over all the same (I3).
    const inTime = now < lease.deadline
    if (minted.wider === undefined && inTime && (await leases.move(tx, lease.id, 'active', activated))) {
      audit.record(tx, {
        ...event,
        type: 'lease.minted',
        status: 'active',
        data: {
          fingerprint: minted.fingerprint,
          upstream_expires_at: new Date(minted.expiresAt).toISOString(),
        },
      })
      return { ...lease, ...activated, status: 'active' }
    }
    const leaving = { ...known, dueAt: now }
    const left =
      (await leases.move(tx, lease.id, 'revoking', leaving)) ||
      (await leases.amend(tx, lease.id, ['revoking', 'irrevocable'], leaving))
    // Recovery found nothing upstream because nothing was there yet: the lease is over, the credential is not.
    if (!left)
      throw new BrokerError('provider_unavailable', 'upstream answered too late; what it minted is revoked', {
        retryAfter: 5,
      })
    // `irrevocable` where the search for it has failed meanwhile.
    const { status } = (await leases.get(tx, lease.id))!
    audit.record(tx, {
      ...event,
      type: 'lease.retired',
      status,
      data: {
        fingerprint: minted.fingerprint,
        reason: minted.wider ?? 'the task ended while its credential was being minted',
      },
    })
    return { ...lease, ...leaving, status }
  })
}

async function takeBack(context: LeaseContext, revoker: Revoker, lease: Lease): Promise<void> {
  const cause = { reason: 'the client went away before delivery', actor: 'broker' } as const
  const retired = await context.unit.write((tx) => retire(context, tx, { id: lease.id }, cause))
  await Promise.all(retired.map((each) => revoker.revoke(each)))
}
