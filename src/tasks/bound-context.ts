/** What a task was opened with stays true (docs/decisions/0006). */
import { BrokerError } from '../base/errors.ts'
import type { Task } from './task.ts'

/** The entry that the task was opened with and that is said to be another now. */
export function changedField(task: Pick<Task, 'context'>, now: Record<string, string>): string | undefined {
  return Object.keys(now).find(
    (field) => Object.hasOwn(task.context, field) && task.context[field] !== now[field],
  )
}

export function contextChanged(field: string): BrokerError {
  return new BrokerError(
    'context_changed',
    `context.${field} is not what the task was opened with; the task has ended`,
  )
}
