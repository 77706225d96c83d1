/** Minting: intent, upstream, record, and only then the credential (invariants I1 and I2). */
import { BrokerError } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import { ProviderError } from '../provider/failure.ts'
import type { Minted } from '../provider/upstream.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'
import type { LeaseContext } from './context.ts'
import { sealHandle } from './handle.ts'
import type { ConnectionEntry } from './connections.ts'
import { intentOf, isElsewhere, type Lease, standingOf } from './lease.ts'
import { recordFailed, recordRevoked } from './record.ts'
import { retire } from './retire.ts'
import type { Revoker } from './revoke.ts'
import { salvage } from './salvage.ts'
import { leave, transition } from './transition.ts'
import { ask } from './upstream.ts'

export interface MintRequest {
  /** As `intend` has put it on record. */
  lease: Lease
  entry: ConnectionEntry
  /** Aborts when the client has gone away. */
  gone?: AbortSignal | undefined
}

/** A lease just minted, and its secret: the only place where both are together. */
export interface MintedLease {
  lease: Lease
  /** Shaped per provider (design §10). */
  credential: Record<string, unknown>
  accessToken: string | undefined
  /** The only web host to offer it to, where it is for one. */
  host: string | undefined
}

/**
 * Mints the credential of an intended lease.
 *
 * @throws BrokerError `provider_rejected`; `provider_unavailable`; `task_not_active` when the task ended meanwhile;
 *   `unavailable` when the store fails. Whatever upstream minted in any of these
 *   is revoked, never delivered.
 */
export async function mint(
  context: LeaseContext,
  revoker: Revoker,
  request: MintRequest,
): Promise<MintedLease> {
  const { lease, entry, gone } = request
  context.wake(lease.dueAt!)
  const minted = await revoker.minting(entry, () => callUpstream(context, request))
  let recorded: Lease
  try {
    recorded = await record(context, lease, minted)
  } catch (error) {
    // Another lease's: not for this one to end.
    if (error instanceof ProviderError) return await fail(context, lease, error)
    salvage(context, revoker, lease, entry, minted)
    throw error
  }
  if (recorded.status !== 'active') {
    await revoker.revoke(recorded)
    if (minted.wider !== undefined) throw new BrokerError('provider_rejected', minted.wider)
    throw new BrokerError('task_not_active', 'the task ended while its credential was being minted')
  }
  if (gone?.aborted) {
    await takeBack(context, revoker, recorded)
    throw new BrokerError('unavailable', 'the client went away before the credential could be delivered')
  }
  const { credential, accessToken } = minted
  return { lease: recorded, credential, accessToken, host: entry.terms.host }
}

async function callUpstream(context: LeaseContext, { lease, entry }: MintRequest): Promise<Minted> {
  // A process that stood still since: another may have looked for what was minted, and found nothing.
  if (context.clock.now() >= lease.dueAt!)
    return await fail(context, lease, new ProviderError('unavailable', 'it came to be minted too late'))
  const intent = intentOf(lease)
  const minted = await ask(context, 'mint', (signal) =>
    entry.upstream.mint(intent.detail, intent, { signal }),
  )
  return minted instanceof ProviderError ? await fail(context, lease, minted) : minted
}

async function fail(context: LeaseContext, lease: Lease, cause: ProviderError): Promise<never> {
  await recordFailure(context, lease, cause)
  const { kind, message, retryAfter = 5 } = cause
  if (kind === 'rejected') throw new BrokerError('provider_rejected', message, { cause })
  throw new BrokerError('provider_unavailable', message, { cause, retryAfter: Math.min(60, retryAfter) })
}

/** Where upstream may have minted all the same, the lease goes to recovery; otherwise it is over. */
async function recordFailure(context: LeaseContext, lease: Lease, failure: ProviderError): Promise<void> {
  const { unit, leases, clock, wake } = context
  if (!failure.maybeDone) {
    await unit.write(async (tx) => {
      const failed = await recordFailed(context, tx, lease, failure.message)
      // Retired meanwhile by the end of its task: then there is nothing to revoke either.
      if (!failed) await recordRevoked(context, tx, lease)
    })
    return
  }
  const at = clock.now()
  const change = { dueAt: at }
  const data = { reason: failure.message }
  await unit.write(async (tx) => {
    const retired = await transition(context, tx, lease, { status: 'revoking', at, change, data })
    if (!retired) await leases.amend(tx, lease.id, ['revoking'], change)
  })
  wake(at)
}

/**
 * Makes the lease `active`, unless it was retired meanwhile or the answer is wider than asked: then it goes.
 *
 * @throws ProviderError when upstream has answered with the credential of another lease
 */
async function record(context: LeaseContext, lease: Lease, minted: Minted): Promise<Lease> {
  const { unit, leases, seal, clock } = context
  const secretHash = minted.accessToken === undefined ? null : sha256(minted.accessToken)
  const work = async (tx: Tx): Promise<Lease> => {
    // The answer to another's request: revoking one lease would end the other, and what was minted for this one is lost.
    if (secretHash !== null && (await leases.taskOfSecret(tx, secretHash)) !== undefined)
      throw new ProviderError('unavailable', 'upstream answered with the credential of another lease', {
        maybeDone: true,
      })
    const known = {
      upstreamExpiresAt: minted.expiresAt,
      standsUntil: standingOf(minted),
      deadline: Math.min(lease.deadline, minted.expiresAt),
      fingerprint: minted.fingerprint,
      secretHash,
      // Sealed in the transaction: a reload drops a key in one, having seen that nothing is sealed with it.
      handle: sealHandle(seal, lease.id, minted.handle),
    }
    const at = clock.now()
    // The reaper may be a moment behind: a task past its deadline is over all the same (I3).
    if (minted.wider === undefined && at < lease.deadline) {
      const change = { ...known, dueAt: known.deadline }
      const data = {
        fingerprint: minted.fingerprint,
        upstream_expires_at: isoTime(minted.expiresAt),
        ...(known.standsUntil > minted.expiresAt && {
          stands_until: isoTime(known.standsUntil),
        }),
      }
      if (await transition(context, tx, lease, { status: 'active', at, change, data }))
        return { ...lease, ...change, status: 'active' }
    }
    const leaving = { ...known, dueAt: at }
    const data = {
      fingerprint: minted.fingerprint,
      reason: minted.wider ?? 'the task ended while its credential was being minted',
    }
    const status = await leave(context, tx, lease, { at, change: leaving, data })
    // Recovery found nothing upstream because nothing was there yet: the lease is over, the credential is not.
    if (!status)
      throw new BrokerError('provider_unavailable', 'upstream answered too late; what it minted is revoked', {
        retryAfter: 5,
      })
    return { ...lease, ...leaving, status }
  }
  return await unit.write(work, { lease: lease.id, ...(secretHash !== null && { secretHash }) })
}

async function takeBack(context: LeaseContext, revoker: Revoker, lease: Lease): Promise<void> {
  const cause = { reason: 'the client went away before delivery', actor: 'broker' } as const
  const retired = await context.unit.write((tx) => retire(context, tx, { id: lease.id }, cause))
  // What another broker is ending, asked by the same client again, is that one's: nobody waits for it here.
  const own = retired.filter((each) => !isElsewhere(each))
  await Promise.all(own.map((each) => revoker.revoke(each)))
}
