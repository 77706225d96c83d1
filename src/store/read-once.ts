/** What the works of one commit read of the store, and nobody can change before it is written: read once for all of them (docs/decisions/0063). */
import type { Count } from './counts.ts'
import type { SealedTable } from './sealed-tables.ts'

export class ReadOnce {
  readonly #counts = new Map<string, Count | 'damaged'>()
  readonly #ordinals = new Map<SealedTable, number>()

  /** The stored count, or that its row is not as it was written. */
  count(key: string, read: () => Count | 'damaged'): Count | 'damaged' {
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = read()))
    return count
  }

  /** One more than the last: what a work that failed has taken is left out. */
  nextOrdinal(table: SealedTable, last: () => number): number {
    const next = (this.#ordinals.get(table) ?? last()) + 1
    this.#ordinals.set(table, next)
    return next
  }
}
