/**
 * How many calls one upstream is sent at once, found out by how it answers: more while it
 * answers in time, fewer when it refuses, fails or slows down (docs/decisions/0038).
 */
import type { Clock } from '../base/clock.ts'

/**
 * Where it begins. Late answers bring it back to there and no further, for it may be this process
 * that is late; failures to a few, for something must find out when they are over.
 */
const first = 32
const least = 4
/** What is left of it after a call that upstream failed, or answered late. */
const afterFailure = 0.5
const afterDelay = 0.9
/** An answer is late that takes this much longer than the quickest of its kind, and some milliseconds. */
const lateness = 2
const slackMs = 10
/** How fast the quickest answer is forgotten: an upstream may have moved. */
const forgetting = 0.001

export class Throttle {
  readonly #clock: Clock
  readonly #most: number
  #limit: number
  #busy = 0
  readonly #quickestMs = new Map<string, number>()
  /** Calls that began before say nothing of what the limit is now. */
  #changedAt = -Infinity
  /** Until something was too much, it grows with each answer; from then on with each round of them. */
  #found = false

  constructor(clock: Clock, most: number) {
    this.#clock = clock
    this.#most = most
    this.#limit = Math.min(first, most)
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Makes the call, and learns from how it is answered. `failed`: whether upstream had too much, or had trouble. */
  async run<Answer>(
    kind: string,
    call: () => Promise<Answer>,
    failed: (answer: Answer) => boolean,
  ): Promise<Answer> {
    const began = { at: this.#clock.now(), idle: this.#clock.idle() }
    this.#busy += 1
    try {
      const answer = await call()
      if (failed(answer)) this.#shrink(began.at, afterFailure, least)
      else this.#learn(kind, began)
      return answer
    } finally {
      this.#busy -= 1
    }
  }

  #learn(kind: string, began: { at: number; idle: number }): void {
    const tookMs = this.#clock.now() - began.at
    const before = this.#quickestMs.get(kind) ?? tookMs
    // For as long as this process was at work, an answer may have been there already.
    const late = Math.min(tookMs, this.#clock.idle() - began.idle) > before * lateness + slackMs
    const quickest = Math.min(before, tookMs)
    this.#quickestMs.set(kind, quickest + (tookMs - quickest) * forgetting)
    if (late) return this.#shrink(began.at, afterDelay, first)
    // What was not needed was not tried.
    if (this.#busy >= this.limit)
      this.#limit = Math.min(this.#most, this.#limit + (this.#found ? 1 / this.#limit : 1))
  }

  #shrink(began: number, to: number, floor: number): void {
    if (began < this.#changedAt) return
    this.#limit = Math.max(Math.min(floor, this.#limit), this.#limit * to)
    this.#changedAt = this.#clock.now()
    this.#found = true
  }
}
