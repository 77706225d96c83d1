/** The workload returns one credential before its task is done. */
import { BrokerError } from '../base/errors.ts'
import type { Lease } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import type { TaskContext } from './context.ts'
import { revokeNow } from './end.ts'
import type { Task } from './task.ts'

/** Idempotent. @throws BrokerError `not_found` for a lease that is not the task's own. */
export async function giveBack(context: TaskContext, task: Task, leaseId: string): Promise<Lease> {
  const cause = { reason: 'given back', actor: `agent:${task.agent}` } as const
  const own = { id: leaseId, task: task.id }
  await revokeNow(context, await context.unit.write((tx) => retire(context, tx, own, cause)))
  const [lease] = await context.unit.read((tx) => context.leases.find(tx, own))
  if (!lease) throw new BrokerError('not_found', 'there is no such lease')
  return lease
}
