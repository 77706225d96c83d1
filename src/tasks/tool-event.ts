/** What came of the call of a tool, on record: its name, a digest of what it was called with, and how it went. */
import { BrokerError } from '../base/errors.ts'
import type { TaskContext } from './context.ts'
import { aboutTask, type StoredTask } from './task.ts'

/** Nothing of what was said or answered. */
export interface ToolEvent {
  name: string
  resource: string
  /** SHA-256, hex. */
  digest: string
  outcome: string
}

/** @throws BrokerError `task_not_active` for a task that waits or is over. */
export async function recordToolCall(
  { unit, tasks, audit, clock }: TaskContext,
  { id }: StoredTask,
  event: ToolEvent,
): Promise<number> {
  return await unit.write(async (tx) => {
    const [task, now] = [await tasks.get(tx, id), clock.now()]
    if (task?.status !== 'active' || task.expiresAt <= now || 'damaged' in task)
      throw new BrokerError('task_not_active', 'the task is not active')
    audit.record(tx, {
      at: now,
      type: 'tool.called',
      actor: `agent:${task.agent}`,
      ...aboutTask(task),
      data: { ...event },
    })
    return now
  })
}
