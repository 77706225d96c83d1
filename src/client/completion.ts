/** Completing a task, and seeing its credentials die. */
import { setTimeout as pause } from 'node:timers/promises'
import { mayStillWork } from '../wire/lease-states.ts'
import { BrokerProblem, BrokerUnreachable, type Client, type Task, type TaskAccess } from './client.ts'

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

/** Milliseconds for all of it: two attempts at a broker that does not answer. */
const completionMs = 45_000

/**
 * The same for whoever has something else to do afterwards.
 *
 * @throws BrokerProblem, BrokerUnreachable
 */
export async function completeInTime(client: Client, task: TaskAccess, ms = completionMs): Promise<Task> {
  const signal = AbortSignal.timeout(ms)
  try {
    return await completeTask(client, task, signal)
  } catch (error) {
    if (!signal.aborted || error instanceof BrokerProblem || error instanceof BrokerUnreachable) throw error
    throw new BrokerUnreachable(`${task.id} was not completed within ${ms / 1000} seconds`, {
      outcome: 'unknown',
      remedy: 'Check that the broker is well; it ends the task at its deadline, if it has not yet.',
      cause: error,
    })
  }
}
