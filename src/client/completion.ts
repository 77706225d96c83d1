/** Completing a task, and seeing its credentials die. */
import { setTimeout as pause } from 'node:timers/promises'
import { mayStillWork } from '../wire/lease-states.ts'
import type { Client, Task, TaskAccess } from './client.ts'

/** Between looks at whether the broker has seen them dead. */
const deathMs = [500, 1_000, 1_500, 2_000]

/** The completed task, after a while in which what upstream was slow to hear of is seen dead. */
export async function completeTask(client: Client, task: TaskAccess, signal: AbortSignal): Promise<Task> {
  let latest = await client.complete(task, { signal })
  for (const ms of deathMs) {
    if (!latest.leases.some(mayStillWork)) break
    await pause(ms, undefined, { signal }).catch(() => undefined)
    latest = await client.showTask(task, { signal }).catch(() => latest)
  }
  return latest
}
