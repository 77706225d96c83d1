/** What the works of one commit read of the store, and nobody can change before it is written: read once for all of them (docs/decisions/0063). */
import type { Selectable } from 'kysely'
import type { Count } from './counts.ts'
import type { Schema } from './schema.ts'
import type { SealedTable } from './sealed-tables.ts'
import type { MaybePromise } from './statements.ts'

/** A count as it is stored, if it is, and what that says: `damaged` where it is not as it was written. */
export interface StoredCount {
  row: Selectable<Schema['counts']> | undefined
  count: Count | 'damaged'
}

export class ReadOnce {
  readonly #counts = new Map<string, MaybePromise<StoredCount>>()
  readonly #written = new Set<unknown>()
  readonly #ordinals = new Map<SealedTable, { last: MaybePromise<number>; taken: number }>()

  count(key: string, read: () => MaybePromise<StoredCount>): MaybePromise<StoredCount> {
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = read()))
    return count
  }

  /** The count, where it was read and its row is still the same. */
  countToWrite(key: string): MaybePromise<StoredCount> | undefined {
    return this.#written.has(key) ? undefined : this.#counts.get(key)
  }

  /** A work has written the row of the count itself, as one does that puts it under another seal key. Whether that is kept is not known. */
  wroteCount(key: unknown): void {
    this.#written.add(key)
  }

  /** One more than the last: what a work that failed has taken is left out. */
  async nextOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    let ordinals = this.#ordinals.get(table)
    if (!ordinals) this.#ordinals.set(table, (ordinals = { last: last(), taken: 0 }))
    const taken = (ordinals.taken += 1)
    return (await ordinals.last) + taken
  }
}
