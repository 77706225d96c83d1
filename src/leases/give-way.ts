/**
 * While the ends of a crowd are put on record, revoking leaves them the larger part of this process,
 * and goes on in the rest (docs/decisions/0066).
 */
import type { Clock } from '../base/clock.ts'

export class GiveWay {
  readonly #clock: Clock
  readonly #works = new Set<{ until: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether there is a work to which way is given. */
  get now(): boolean {
    if (this.#works.size === 0) return false
    const now = this.#clock.now()
    return [...this.#works].some(({ until }) => now < until)
  }

  /** Does `work`, to which way is given until it is over, and no longer than `until`, milliseconds since 1970. */
  async to<Result>(until: number, work: () => Promise<Result>): Promise<Result> {
    const given = { until }
    this.#works.add(given)
    try {
      return await work()
    } finally {
      this.#works.delete(given)
    }
  }
}
