import { vi } from 'vitest'
import type { LeadingClock } from '../../src/base/clock.ts'

export interface ManualClock extends LeadingClock {
  /** Moves time on by `ms`, firing what falls due in order and letting promises settle after each. */
  advance(ms: number): Promise<void>
}

/** Time that stands still until it is advanced. `start` in milliseconds since 1970. */
export function manualClock(start = Date.parse('2026-11-02T09:00:00Z')): ManualClock {
  let now = start
  const timers = new Set<{ at: number; fn: () => void }>()
  return {
    now: () => now,
    // Nothing takes any time but what the test waits for.
    idle: () => now,
    after(ms, fn) {
      const timer = { at: now + Math.max(0, ms), fn }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
    notBefore(at) {
      now = Math.max(now, at)
    },
    async advance(ms) {
      const end = now + ms
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
        if (!due) break
        timers.delete(due)
        now = Math.max(now, due.at)
        due.fn()
        await settled()
      }
      now = end
      await settled()
    },
  }
}

/** A clock that can be set, forward or back, while its timers count on as before. */
export function wallClock() {
  const timers = manualClock()
  let ahead = 0
  const clock: LeadingClock = {
    now: () => timers.now() + ahead,
    idle: timers.idle,
    after: timers.after,
    notBefore: (at) => timers.notBefore(at - ahead),
  }
  return { clock, timers, set: (byMs: number) => void (ahead += byMs) }
}

/** A turn of the event loop, after which every promise that waits only on promises has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Moves the clock on, a little at a time, until `work` is over: it may wait between real requests.
 * What those take on a busy machine counts too, so that time must not run ahead of them by much:
 * in larger steps only where nothing is to be answered.
 */
export async function asTimePasses<T>(clock: ManualClock, work: Promise<T>, stepMs = 40): Promise<T> {
  let over = false
  void work.finally(() => (over = true)).catch(() => undefined)
  await vi.waitUntil(
    async () => {
      if (!over) await clock.advance(stepMs)
      return over
    },
    { timeout: 20_000, interval: 10 },
  )
  return await work
}
