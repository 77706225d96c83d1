/** The first half of every revocation: the decision, in the transaction of whatever caused it. */
import { isoTime } from '../base/iso-time.ts'
import type { Actor } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import type { LeaseContext } from './context.ts'
import { asOwn, isElsewhere, type LeaseFilter, type StoredLease, unfinishedStatuses } from './lease.ts'
import { transition } from './transition.ts'

/**
 * Puts every pending or active lease that `filter` means on its way out. Returns
 * what there is to revoke: those, and what was on its way out before, so that
 * whoever asks again brings it forward. The upstream call is the revoker's, after
 * the commit. Of those that another broker is ending already it says so (`elsewhere`):
 * they are that one's to end, and may be waited for (`revokeNow`).
 *
 * A lease still being minted keeps its due date and is not among them: only its
 * mint knows whether there is anything, and sees on recording that it was retired.
 */
export async function retire(
  context: LeaseContext,
  tx: Tx,
  filter: Omit<LeaseFilter, 'statuses'>,
  { reason, actor }: { reason: string; actor: Actor },
): Promise<StoredLease[]> {
  const at = context.clock.now()
  const found = await context.leases.find(tx, { ...filter, statuses: unfinishedStatuses })
  const leaving: StoredLease[] = []
  for (const lease of found) {
    const isLeft = isBeingEndedElsewhere(lease, at)
    const whose = isLeft ? lease : asOwn(lease)
    if (lease.status === 'revoking' || lease.status === 'irrevocable') {
      leaving.push(whose)
      continue
    }
    const dueAt = lease.status === 'active' && !isLeft ? at : lease.dueAt
    await transition(context, tx, lease, {
      status: 'revoking',
      at,
      change: { dueAt },
      actor,
      data: retiredFor(reason, lease, at),
    })
    leaving.push({ ...whose, status: 'revoking', dueAt })
  }
  return leaving.filter((lease) => lease.handle !== null)
}

/** What is recorded of it: where the deadline has passed, when that was, for the credential was to be dead by then. */
export function retiredFor(reason: string, lease: StoredLease, at: number): Record<string, unknown> {
  const isLate = !('damaged' in lease) && lease.deadline <= at
  return { reason, ...(isLate && { deadline: isoTime(lease.deadline) }) }
}

/**
 * Whether another broker tells upstream of it at this moment. Told twice, upstream refuses a new credential the
 * second time, as it does one that it has not heard of yet, and that takes seconds to tell apart
 * (docs/decisions/0004). Where the other waits after a failure, who asks need not.
 */
function isBeingEndedElsewhere(lease: StoredLease, at: number): boolean {
  if (!isElsewhere(lease)) return false
  if (lease.dueAt !== null && lease.dueAt <= at) return true
  // When it is due was said by the other's clock, which may be ahead: it was to end at once, and has not failed to.
  const { status, failingSince, revocation } = lease
  return status === 'revoking' && failingSince === null && revocation !== 'expiry'
}
