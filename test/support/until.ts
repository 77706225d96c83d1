import { vi } from 'vitest'
import type { ManualClock } from './clock.ts'

/**
 * Waits for a state rather than for a time: polls until `probe` is truthy.
 * `timeout` in milliseconds of the machine's clock.
 */
export function until<T>(probe: () => T | Promise<T>, timeout = 10_000) {
  return vi.waitUntil(probe, { timeout, interval: 5 })
}

/** The same where time stands still: what is due now is done, and nothing more. */
export function untilNow<T>(clock: ManualClock, probe: () => T | Promise<T>) {
  return until(async () => {
    await clock.advance(0)
    return await probe()
  })
}
