/** The workload returns one credential before its task is done. */
import { BrokerError } from '../base/errors.ts'
import { type StoredLease, unfinishedStatuses } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { TaskContext } from './context.ts'
import type { StoredTask } from './task.ts'

/** Idempotent. @throws BrokerError `not_found` for a lease that is not the task's own. */
export async function giveBack(
  context: TaskContext,
  task: StoredTask,
  leaseId: string,
): Promise<StoredLease> {
  const cause = { reason: 'given back', actor: `agent:${task.agent}` } as const
  const own = { id: leaseId, task: task.id }
  const leaving = await context.unrecorded.carryOut({
    name: `give back ${leaseId} of ${task.id}`,
    work: (tx) => retire(context, tx, own, cause),
    leases: (tx) => context.leases.find(tx, { ...own, statuses: unfinishedStatuses }),
  })
  await revokeNow(context, leaving)
  const [lease] = await context.unit.read((tx) => context.leases.find(tx, own))
  if (!lease) throw new BrokerError('not_found', 'there is no such lease')
  return lease
}
