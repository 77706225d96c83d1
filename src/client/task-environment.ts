/** The task that a process runs in, handed down through its environment. */
import type { TaskAccess } from './client.ts'

/**
 * The task of `MAYFLY_TASK` and `MAYFLY_TASK_TOKEN`; undefined outside any.
 *
 * @throws TypeError where only one of them is set: acting as if there were no
 *   task would open one that nobody completes.
 */
export function taskFromEnvironment(env: Record<string, string | undefined>): TaskAccess | undefined {
  const { MAYFLY_TASK: id, MAYFLY_TASK_TOKEN: token } = env
  if (id && token) return { id, token }
  if (id || token)
    throw new TypeError('MAYFLY_TASK and MAYFLY_TASK_TOKEN go together, and only one of them is set')
  return undefined
}
