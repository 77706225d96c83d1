/** Turns for the token checks of an address with too many failures: waiting, never refused (docs/decisions/0017). */

/** How many checks of one address run at once. */
const atOnce = 4

/**
 * Lets works of one name wait for each other, and for nobody else's. What waits is
 * never turned away: there is one for each connection at most.
 */
export class Turns {
  readonly #running = new Map<string, { count: number; waiting: (() => void)[] }>()

  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const own = this.#running.get(name) ?? { count: 0, waiting: [] }
    this.#running.set(name, own)
    if (own.count < atOnce) own.count += 1
    else await new Promise<void>((resolve) => own.waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = own.waiting.shift()
      // Its place goes on to whoever has waited longest.
      if (next) next()
      else if ((own.count -= 1) === 0) this.#running.delete(name)
    }
  }
}
