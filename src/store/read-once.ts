/** What the works of one commit read of the store, and nobody can change before it is written: read once for all of them (docs/decisions/0063). */
import type { Count } from './counts.ts'
import type { SealedTable } from './sealed-tables.ts'
import type { MaybePromise } from './statements.ts'

export class ReadOnce {
  readonly #counts = new Map<string, MaybePromise<Count | 'damaged'>>()
  readonly #ordinals = new Map<SealedTable, { last: MaybePromise<number>; taken: number }>()

  /** The stored count, or that its row is not as it was written. */
  count(key: string, read: () => MaybePromise<Count | 'damaged'>): MaybePromise<Count | 'damaged'> {
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = read()))
    return count
  }

  /** One more than the last: what a work that failed has taken is left out. */
  async nextOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    let ordinals = this.#ordinals.get(table)
    if (!ordinals) this.#ordinals.set(table, (ordinals = { last: last(), taken: 0 }))
    const taken = (ordinals.taken += 1)
    return (await ordinals.last) + taken
  }
}
