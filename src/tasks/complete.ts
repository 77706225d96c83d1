/** The workload says that it is done. */
import type { TaskContext } from './context.ts'
import { endTask, revokeNow } from './end.ts'
import { readTask, type TaskView } from './read.ts'
import type { Task } from './task.ts'

/** Ends the task and returns it with its leases dead, or on their way out where upstream takes long. Idempotent. */
export async function completeTask(context: TaskContext, task: Task): Promise<TaskView> {
  const cause = { reason: 'completed', actor: `agent:${task.agent}` } as const
  const leases = await context.unit.write((tx) => endTask(context, tx, task, cause))
  await revokeNow(context, leases)
  return await readTask(context, task.id)
}
