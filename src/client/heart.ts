/** Tells the broker, for as long as it is not disposed of, that the workload of a task is still there. */
import type { Client, TaskAccess } from './client.ts'
import { BrokerProblem } from './problem.ts'

/**
 * Beats twice in each heartbeat, so that one may be lost. `seconds`: that of the task, as the broker
 * tells it; undefined where nobody listens. It keeps no process alive.
 */
export function startHeart(client: Client, task: TaskAccess, seconds: number | undefined): Disposable {
  const stopped = new AbortController()
  const ms = (seconds ?? 0) * 500
  let timer: NodeJS.Timeout | undefined
  const beat = async () => {
    try {
      const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(ms * 2)])
      await client.heartbeat(task, { signal })
    } catch (error) {
      // What is over needs none; what is only out of reach may be there for the next.
      if (error instanceof BrokerProblem && error.status < 500 && error.status !== 429) return
    }
    arm()
  }
  const arm = () => {
    if (!stopped.signal.aborted) timer = setTimeout(() => void beat(), ms).unref()
  }
  if (seconds !== undefined) arm()
  return {
    [Symbol.dispose]: () => {
      stopped.abort()
      clearTimeout(timer)
    },
  }
}
