/** The wait for a human's yes. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Task, TaskAccess } from './client.ts'
import { passes } from './problem.ts'

const firstPauseMs = 1_000
const longestPauseMs = 15_000

/** The task as it is once it no longer waits. Outages on the way are waited out, until the wait is over by its own deadline. */
export async function untilDecided(
  client: Client,
  task: TaskAccess,
  opened: Task,
  signal: AbortSignal,
): Promise<Task> {
  let latest = opened
  for (let ms = firstPauseMs; latest.status === 'pending_approval'; ms = Math.min(ms * 1.5, longestPauseMs)) {
    await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
    try {
      latest = await client.showTask(task, { signal })
    } catch (error) {
      if (!passes(error) || Date.now() > Date.parse(latest.expires_at) + 60_000) throw error
    }
  }
  return latest
}
