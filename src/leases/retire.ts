/** The first half of every revocation: the decision, in the transaction of whatever caused it. */
import { isoTime } from '../base/iso-time.ts'
import type { Actor } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import type { LeaseContext } from './context.ts'
import { type LeaseFilter, type StoredLease, unfinishedStatuses } from './lease.ts'
import { transition } from './transition.ts'

/**
 * Puts every pending or active lease that `filter` means on its way out. Returns
 * what there is to revoke: those, and what was on its way out before, so that
 * whoever asks again brings it forward. The upstream call is the revoker's, after
 * the commit.
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
    if (lease.status === 'revoking' || lease.status === 'irrevocable') {
      leaving.push(lease)
      continue
    }
    const isLeft = isDueElsewhere(lease, at)
    const dueAt = lease.status === 'active' && !isLeft ? at : lease.dueAt
    await transition(context, tx, lease, {
      status: 'revoking',
      at,
      change: { dueAt },
      actor,
      data: retiredFor(reason, lease, at),
    })
    if (!isLeft) leaving.push({ ...lease, status: 'revoking', dueAt })
  }
  return leaving.filter((lease) => lease.handle !== null)
}

/** What is recorded of it: where the deadline has passed, when that was, for the credential was to be dead by then. */
export function retiredFor(reason: string, lease: StoredLease, at: number): Record<string, unknown> {
  const isLate = !('damaged' in lease) && lease.deadline <= at
  return { reason, ...(isLate && { deadline: isoTime(lease.deadline) }) }
}

/** Whether another broker tells upstream of it at this moment, for it is due there by itself. */
function isDueElsewhere(lease: StoredLease, at: number): boolean {
  if ('damaged' in lease || !lease.elsewhere || lease.status !== 'active') return false
  return lease.dueAt !== null && lease.dueAt <= at
}
