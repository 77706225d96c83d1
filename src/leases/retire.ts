/** The first half of every revocation: the decision, in the transaction of whatever caused it. */
import type { Actor } from '../audit/event.ts'
import type { Tx } from '../unit.ts'
import { about, type LeaseContext } from './context.ts'
import { type Lease, type LeaseFilter, unfinished } from './lease.ts'

/**
 * Puts every pending or active lease that `filter` means on its way out, and
 * returns those that there is something to revoke of. The upstream call is the
 * revoker's, after the commit.
 *
 * A lease still being minted keeps its due date and is not among them: only its
 * mint knows whether there is anything, and sees on recording that it was retired.
 */
export async function retire(
  context: LeaseContext,
  tx: Tx,
  filter: Omit<LeaseFilter, 'statuses'>,
  cause: { reason: string; actor: Actor },
): Promise<Lease[]> {
  const now = context.clock.now()
  const found = await context.leases.find(tx, { ...filter, statuses: unfinished })
  const leaving: Lease[] = []
  for (const lease of found) {
    if (lease.status === 'revoking' || lease.status === 'irrevocable') {
      leaving.push(lease)
      continue
    }
    const dueAt = lease.status === 'active' ? now : lease.dueAt
    await context.leases.move(tx, lease.id, 'revoking', { dueAt })
    context.audit.record(tx, {
      at: now,
      type: 'lease.retired',
      actor: cause.actor,
      ...about(lease),
      status: 'revoking',
      data: { reason: cause.reason },
    })
    leaving.push({ ...lease, status: 'revoking', dueAt })
  }
  return leaving.filter((lease) => lease.handle !== null)
}
