/** Retries a client's call to a server that is briefly unavailable: restarting, or overrun. */
import type { Clock } from '../base/clock.ts'

/** No attempt is begun later than this after the first one, or after the first that hung (docs/decisions/0073). */
const patienceMs = 15_000
const firstPauseMs = 250
const longestPauseMs = 3_000

export interface Attempts {
  clock: Clock
  /**
   * The least milliseconds before another attempt, by what the last one threw; undefined where another makes no
   * sense. Only a call that may be carried out twice is to be attempted twice.
   */
  retryAfterMs: (error: unknown) => number | undefined
  /**
   * Whether the attempt was given up for want of an answer. The first that was starts the time anew: otherwise it
   * could use it all up, and no other broker would be asked.
   */
  isHung: (error: unknown) => boolean
  /** Ends the wait for another attempt. */
  signal?: AbortSignal | undefined
}

/** The first success of `attempt`, or else what the last attempt threw. Pauses double, with jitter. */
export async function retry<T>(
  attempt: () => Promise<T>,
  { clock, retryAfterMs, isHung, signal }: Attempts,
): Promise<T> {
  let deadline = clock.now() + patienceMs
  let hasHung = false
  for (let stepMs = firstPauseMs; ; stepMs = Math.min(stepMs * 2, longestPauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      const leastMs = retryAfterMs(error)
      if (!hasHung && isHung(error)) {
        hasHung = true
        deadline = clock.now() + patienceMs
      }
      // Jittered: what one restart has turned away must not come back as one.
      const pauseMs = Math.max(leastMs ?? 0, stepMs * (0.5 + Math.random() / 2))
      if (leastMs === undefined || signal?.aborted || clock.now() + pauseMs > deadline) throw error
      await pause(clock, pauseMs, signal)
    }
  }
}

/** @throws the reason of `signal`, as soon as it aborts */
function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    })
    const stop = () => {
      timer.cancel()
      reject(signal!.reason as Error)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}
