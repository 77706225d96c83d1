/**
 * Small works of one kind, many to a unit of work: what comes while one is being written goes into the
 * next, and is neither marked nor counted by itself (docs/decisions/0060).
 */
import type { Clock } from './clock.ts'
import { breathe } from './turns.ts'
import type { About, Tx, Unit } from './unit.ts'

/** Milliseconds for which works join one unit, and after which everything else has a turn meanwhile. */
const unitMs = 20
const turnMs = 4
/** Works of which the store hears beforehand: a unit seldom comes to more, and a crowd may be longer than a call's arguments. */
const toldAtMost = 200

interface Work {
  run: (tx: Tx) => Promise<unknown>
  about: readonly About[]
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

export class Together {
  readonly #unit: Pick<Unit, 'write'>
  readonly #clock: Clock
  #waiting: Work[] = []
  #isWriting = false

  constructor({ unit, clock }: { unit: Pick<Unit, 'write'>; clock: Clock }) {
    this.#unit = unit
    this.#clock = clock
  }

  /** Promises what `Unit.write` does. `run` may be called again, in a unit of its own, where another has failed. */
  write<T>(run: (tx: Tx) => Promise<T>, ...about: About[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, about, resolve: resolve as Work['resolve'], reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) await this.#writeSome()
    this.#isWriting = false
  }

  async #writeSome(): Promise<void> {
    let taken: Work[] = []
    try {
      // Whoever comes while the unit waits for its turn joins it.
      const about = () => this.#waiting.slice(0, toldAtMost).flatMap((work) => work.about)
      const values = await this.#unit.write((tx) => this.#runIn(tx, taken), about)
      for (const [at, { resolve }] of taken.entries()) resolve(values[at])
    } catch (error) {
      const isAlone = taken.length === 1
      // The store could not even be asked.
      if (taken.length === 0) taken = this.#waiting.splice(0)
      else if (!isAlone) return await this.#writeEach(taken)
      for (const { reject } of taken) reject(error)
    }
  }

  /** Runs what waits, and what comes meanwhile, as long as there is time for it. */
  async #runIn(tx: Tx, taken: Work[]): Promise<unknown[]> {
    // A unit of work may be run anew (`Unit`): nothing is left of what it did before.
    if (taken.length > 0) this.#waiting = [...taken.splice(0), ...this.#waiting]
    const began = this.#clock.now()
    const values: unknown[] = []
    try {
      for (let turnSince = began; taken.length < this.#waiting.length;) {
        const work = this.#waiting[taken.length]!
        taken.push(work)
        values.push(await work.run(tx))
        const now = this.#clock.now()
        if (now - began >= unitMs) break
        if (now - turnSince < turnMs) continue
        await breathe()
        turnSince = this.#clock.now()
      }
    } finally {
      // At once: taken from the front of a crowd one by one, each would move all behind it.
      this.#waiting.splice(0, taken.length)
    }
    return values
  }

  /** What one of them did wrong is no fault of the others. */
  async #writeEach(works: readonly Work[]): Promise<void> {
    await Promise.all(
      works.map(({ run, about, resolve, reject }) => this.#unit.write(run, ...about).then(resolve, reject)),
    )
  }
}
