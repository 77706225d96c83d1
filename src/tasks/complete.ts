/** Completes a task, when its workload says that it is done. */
import { type StoredLease, unfinishedStatuses } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'
import { endTask } from './end.ts'
import { readTask, type TaskView } from './read.ts'
import type { StoredTask } from './task.ts'

/** Ends the task and returns it with its leases dead, or on their way out where upstream takes long. Idempotent. */
export async function completeTask(context: TaskContext, task: StoredTask): Promise<TaskView> {
  const cause = { reason: 'completed', actor: `agent:${task.agent}` } as const
  const withBelow = async (tx: Tx) => [
    task.id,
    ...(await context.tasks.below(tx, task.id)).map(({ id }) => id),
  ]
  const leases = await context.unrecorded.carryOut({
    name: `complete ${task.id}`,
    about: { task: task.id, to: 'end' },
    async work(tx) {
      const leaving = await endTask(context, tx, task, cause)
      if (leaving.length > 0) return leaving
      // Of a task that is over already, what may still live is brought forward.
      for (const id of await withBelow(tx)) leaving.push(...(await retire(context, tx, { task: id }, cause)))
      return leaving
    },
    leases: async (tx) => {
      const found: StoredLease[] = []
      for (const id of await withBelow(tx))
        found.push(...(await context.leases.find(tx, { task: id, statuses: unfinishedStatuses })))
      return found
    },
  })
  await revokeNow(context, leases)
  return await readTask(context, task.id)
}
