/** The clock: all time in the core comes through it, so that a test can hold it still. */

/** A pending call. Cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since 1970, an integer. Never goes back while the process lives. */
  now(): number
  /** Milliseconds for which this process has had nothing to do: what takes longer than it was at work is not its own doing. */
  idle(): number
  /** Calls `fn` once, `ms` milliseconds from now. */
  after(ms: number, fn: () => void): Timer
}

/** The clock that a broker lives by. Only what puts the broker together moves it. */
export interface LeadingClock extends Clock {
  /** Shows no time earlier than `at`, milliseconds since 1970, from now on. */
  notBefore(at: number): void
}

/** `setTimeout` takes a signed 32-bit number of milliseconds and fires at once beyond it. */
const longestTimeout = 2 ** 31 - 1

/**
 * The machine's clock. When the wall clock is set back, `now` follows the
 * monotonic clock instead: otherwise every running task would live longer by
 * that much (invariant I3). When it is set forward, `now` follows it.
 */
export function systemClock(): LeadingClock {
  // How far the time shown is ahead of the monotonic clock, in milliseconds and fractions.
  let ahead = Date.now() - performance.now()
  const now = () => {
    const monotonic = performance.now()
    ahead = Math.max(ahead, Date.now() - monotonic)
    return Math.floor(ahead + monotonic)
  }
  return {
    now,
    idle: () => performance.eventLoopUtilization().idle,
    after(ms, fn) {
      const end = performance.now() + ms
      let handle: NodeJS.Timeout
      const arm = () => {
        const left = Math.max(0, end - performance.now())
        handle = left > longestTimeout ? setTimeout(arm, longestTimeout) : setTimeout(fn, left)
      }
      arm()
      return { cancel: () => clearTimeout(handle) }
    },
    notBefore(at) {
      ahead = Math.max(ahead, at - performance.now())
    },
  }
}

/** How to give up what a signal limits, if its time is up by the clock. */
const limits = new WeakMap<AbortSignal, () => void>()

/** Runs `work` with a signal that aborts after `ms`. Heeding the signal is up to `work`. */
export async function withinLimit<T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const end = clock.now() + ms
  const giveUp = () => controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'))
  const timer = clock.after(ms, giveUp)
  limits.set(controller.signal, () => {
    if (clock.now() >= end) giveUp()
  })
  try {
    return await work(controller.signal)
  } finally {
    timer.cancel()
  }
}

/**
 * Whether it is too late for what the signal limits. A process that stood still hears what came
 * meanwhile before its timers run: by `signal.aborted` alone it would go on as if no time had passed.
 */
export function isOver(signal: AbortSignal): boolean {
  limits.get(signal)?.()
  return signal.aborted
}

/** Resolves `ms` milliseconds from now. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}

/** Waits for `work`, but no longer than `ms`. What takes longer goes on: then undefined. */
export async function atMost<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: Timer | undefined
  const limit = new Promise<undefined>((resolve) => {
    timer = clock.after(ms, () => resolve(undefined))
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    timer?.cancel()
  }
}
