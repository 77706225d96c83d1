/** Completes a task, when its workload says that it is done. */
import { unfinishedStatuses } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { TaskContext } from './context.ts'
import { endTask } from './end.ts'
import { readTask, type TaskView } from './read.ts'
import type { StoredTask } from './task.ts'

/** Ends the task and returns it with its leases dead, or on their way out where upstream takes long. Idempotent. */
export async function completeTask(context: TaskContext, task: StoredTask): Promise<TaskView> {
  const cause = { reason: 'completed', actor: `agent:${task.agent}` } as const
  const leases = await context.unrecorded.carryOut({
    name: `complete ${task.id}`,
    async work(tx) {
      const leaving = await endTask(context, tx, task, cause)
      // Of a task that is over already, what may still live is brought forward.
      return leaving.length > 0 ? leaving : await retire(context, tx, { task: task.id }, cause)
    },
    leases: (tx) => context.leases.find(tx, { task: task.id, statuses: unfinishedStatuses }),
  })
  await revokeNow(context, leases)
  return await readTask(context, task.id)
}
