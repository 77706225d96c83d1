/** A sign of life, and of what the task was opened with still being so. */
import { BrokerError } from '../base/errors.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import { changedField, contextChanged } from './bound-context.ts'
import type { TaskContext } from './context.ts'
import { endTask } from './end.ts'
import type { StoredTask, Task } from './task.ts'

/** @throws BrokerError `task_not_active`; `context_changed` where a bound entry has another value now: then the task has ended. */
export async function heartbeat(
  context: TaskContext,
  task: StoredTask,
  claims: Record<string, string> = {},
): Promise<Task> {
  const isOver = task.endedAt !== null || task.expiresAt <= context.clock.now()
  if (isOver) throw new BrokerError('task_not_active', 'the task is over')
  if ('damaged' in task) throw new BrokerError('task_not_active', 'the task is not as it was opened')
  const changed = changedField(task, claims)
  if (changed !== undefined) {
    const cause = { reason: 'context_changed', actor: 'broker' } as const
    await revokeNow(context, await context.unit.write((tx) => endTask(context, tx, task, cause)))
    throw contextChanged(changed)
  }
  return task
}
