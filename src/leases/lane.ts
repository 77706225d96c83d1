/** A queue with room for a few at a time, fair among those who wait. Each connection has its own, so a dead one delays nobody else (invariant I4). */

interface Waiting<Item> {
  item: Item
  over(): void
}

/**
 * Runs `work` on what is added while there is `room` beside the `busy` works that run, up to
 * `batch` items each. Parties take turns, whatever number of items each has added.
 */
export class Lane<Item> {
  readonly #room: (busy: number) => boolean
  readonly #batch: number
  readonly #work: (items: Item[]) => Promise<void>
  readonly #freed: () => void
  /** A Map keeps its keys in order of insertion: the party at the front is next, and goes to the back after its turn. */
  readonly #parties = new Map<string, Waiting<Item>[]>()
  #busy = 0

  /** `work` must not reject. `freed` is called after each. */
  constructor(options: {
    room: (busy: number) => boolean
    batch: number
    work: (items: Item[]) => Promise<void>
    freed?: () => void
  }) {
    this.#room = options.room
    this.#batch = options.batch
    this.#work = options.work
    this.#freed = options.freed ?? (() => undefined)
  }

  /** Resolves when the work on the item is over. */
  add(party: string, item: Item): Promise<void> {
    return new Promise((over) => {
      const waiting = this.#parties.get(party)
      if (waiting) waiting.push({ item, over })
      else this.#parties.set(party, [{ item, over }])
      // On a later turn, so that what is added together can share a batch.
      queueMicrotask(() => this.fill())
    })
  }

  /** Works that run. */
  get busy(): number {
    return this.#busy
  }

  /** Whether anything waits. */
  get waits(): boolean {
    return this.#parties.size > 0
  }

  /** How many items wait. */
  get length(): number {
    return [...this.#parties.values()].reduce((sum, waiting) => sum + waiting.length, 0)
  }

  /** Begins what there is room for: to be called when there is more of it. */
  fill(): void {
    while (this.waits && this.#room(this.#busy)) void this.#run(this.#take())
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
      this.fill()
      this.#freed()
    }
  }
}
