/** A queue with a few slots, fair among those who wait. Each connection has its own, so a dead one delays nobody else (invariant I4). */

interface Waiting<Item> {
  item: Item
  over(): void
}

/**
 * Runs `work` on what is added, at most `slots` at a time and up to `batch`
 * items each. Parties take turns, whatever number of items each has added.
 */
export class Lane<Item> {
  readonly #slots: number
  readonly #batch: number
  readonly #work: (items: Item[]) => Promise<void>
  /** A Map keeps its keys in order of insertion: the party at the front is next, and goes to the back after its turn. */
  readonly #parties = new Map<string, Waiting<Item>[]>()
  #busy = 0

  /** `work` must not reject. */
  constructor(options: { slots: number; batch: number; work: (items: Item[]) => Promise<void> }) {
    this.#slots = options.slots
    this.#batch = options.batch
    this.#work = options.work
  }

  /** Resolves when the work on the item is over. */
  add(party: string, item: Item): Promise<void> {
    return new Promise((over) => {
      const waiting = this.#parties.get(party)
      if (waiting) waiting.push({ item, over })
      else this.#parties.set(party, [{ item, over }])
      // On a later turn, so that what is added together can share a batch.
      queueMicrotask(() => this.#fill())
    })
  }

  #fill(): void {
    while (this.#busy < this.#slots && this.#parties.size > 0) void this.#run(this.#take())
  }

  #take(): Waiting<Item>[] {
    const taken: Waiting<Item>[] = []
    while (taken.length < this.#batch) {
      const [next] = this.#parties
      if (!next) break
      const [party, queue] = next
      taken.push(queue.shift()!)
      this.#parties.delete(party)
      if (queue.length > 0) this.#parties.set(party, queue)
    }
    return taken
  }

  async #run(taken: Waiting<Item>[]): Promise<void> {
    this.#busy += 1
    try {
      await this.#work(taken.map((waiting) => waiting.item))
    } finally {
      this.#busy -= 1
      for (const waiting of taken) waiting.over()
      this.#fill()
    }
  }
}
