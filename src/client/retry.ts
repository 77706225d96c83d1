/** Retries a client's call to a server that is briefly unavailable: restarting, or overrun. */
import type { Clock } from '../base/clock.ts'

/** No attempt is begun later than this after the first one, or after the first that hung (docs/decisions/0073). */
const patienceMs = 15_000
const firstPauseMs = 250
const longestPauseMs = 3_000

export interface Attempts {
  clock: Clock
  /**
   * Milliseconds that have to pass at least before another attempt, judged by what
   * the last one threw; undefined where none makes sense. Only a call that may be
   * carried out twice is to be attempted twice.
   */
  again: (error: unknown) => number | undefined
  /**
   * Whether what was thrown is an attempt that was given up for want of an answer. The first of these
   * has the time begin anew: otherwise it alone could use it up, and nobody else be asked.
   */
  hung: (error: unknown) => boolean
  /** Ends the wait for another attempt. */
  signal?: AbortSignal | undefined
}

/** The first success of `attempt`, or else what the last attempt threw. */
export async function persist<T>(
  attempt: () => Promise<T>,
  { clock, again, hung, signal }: Attempts,
): Promise<T> {
  let end = clock.now() + patienceMs
  let anew = true
  for (let longest = firstPauseMs; ; longest = Math.min(longest * 2, longestPauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      const least = again(error)
      if (anew && hung(error)) {
        end = clock.now() + patienceMs
        anew = false
      }
      // Jittered: what one restart has turned away must not come back as one.
      const ms = Math.max(least ?? 0, longest * (0.5 + Math.random() / 2))
      if (least === undefined || signal?.aborted || clock.now() + ms > end) throw error
      await pause(clock, ms, signal)
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
