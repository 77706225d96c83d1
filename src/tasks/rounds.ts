/** Work that is done in rounds: one at a time. One under way may have looked before it was asked for, so another follows it. */
export class Rounds {
  readonly #work: () => Promise<void>
  #isAsked = false
  #current: Promise<void> | undefined
  #all: Promise<void> | undefined

  /** `work` must not reject. */
  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  /** The round under way. */
  get current(): Promise<void> | undefined {
    return this.#current
  }

  /** That one and all that are asked for to follow it. */
  get all(): Promise<void> | undefined {
    return this.#all
  }

  ask(): void {
    this.#isAsked = true
    this.#all ??= this.#run()
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false
      await (this.#current = this.#work())
    }
    this.#current = undefined
    this.#all = undefined
  }
}
