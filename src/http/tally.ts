/**
 * How often who asked lately, for several brokers on one store to count together: what each tells
 * the others of itself, and has heard of them. They hear of it within seconds (docs/decisions/0041).
 */
import type { Clock } from '../base/clock.ts'

/** By name: how often, and until when that counts, milliseconds since 1970. */
type Asked = Readonly<Record<string, readonly [times: number, until: number]>>

/** Whoever has asked for less than this part of what they may is not worth telling of. */
const toldFrom = 0.1
/** The most that are told of, those first who asked the most. */
const toldAtMost = 200
/** The most that are remembered. */
const most = 10_000

export class Tally {
  readonly #clock: Clock
  readonly #others: () => readonly Asked[]
  readonly #own = new Map<string, { times: number; part: number; until: number }>()

  /** `others`: what other brokers told of themselves. */
  constructor(clock: Clock, others: () => readonly Asked[]) {
    this.#clock = clock
    this.#others = others
  }

  /** It was asked so many times, of so many that may be asked, in a span that ends in `ms`. */
  count(name: string, { times, of, ms }: { times: number; of: number; ms: number }): void {
    if (times < of * toldFrom) return
    this.#own.set(name, { times, part: times / of, until: this.#clock.now() + Math.ceil(ms) })
    if (this.#own.size > most) this.#forget()
  }

  /** How often the others were asked by the same. */
  elsewhere(name: string): number {
    const others = this.#others()
    if (others.length === 0) return 0
    const now = this.#clock.now()
    return others.reduce((sum, asked) => {
      const [times, until] = Object.hasOwn(asked, name) ? asked[name]! : [0, 0]
      return until > now ? sum + times : sum
    }, 0)
  }

  /** What the others are to be told. */
  asked(): Asked {
    this.#forget()
    const told = [...this.#own].toSorted(([, a], [, b]) => b.part - a.part).slice(0, toldAtMost)
    return Object.fromEntries(told.map(([name, { times, until }]) => [name, [times, until]]))
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const [name, { until }] of this.#own) if (until <= now) this.#own.delete(name)
    for (const [name] of this.#own) {
      if (this.#own.size <= most) break
      this.#own.delete(name)
    }
  }
}
