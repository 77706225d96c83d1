/** Polls the broker until a task that waits for approval is decided. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Task, TaskAccess } from './client.ts'
import { passes } from './problem.ts'

/** Seconds for which the broker is asked to hold its answer: less than what stands before it commonly allows. */
const waitSeconds = 30
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
  let ms = firstPauseMs
  while (latest.status === 'pending_approval') {
    const asked = Date.now()
    try {
      latest = await client.showTask(task, { wait: waitSeconds, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (!passes(error) || Date.now() > Date.parse(latest.expires_at) + 60_000) throw error
    }
    // One that does not hold its answer is not asked without end.
    if (latest.status !== 'pending_approval' || Date.now() - asked > waitSeconds * 900) continue
    await pause(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
    ms = Math.min(ms * 1.5, longestPauseMs)
  }
  return latest
}
