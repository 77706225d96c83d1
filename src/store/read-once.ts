/** What the works of one commit read of the store, and nobody can change before it is written: read once for all of them (docs/decisions/0063). */
import type { Selectable } from 'kysely'
import type { Count } from './counts.ts'
import type { About } from '../base/unit.ts'
import { filled, LookedUp, sizeFor } from './looked-up.ts'
import type { Schema } from './schema.ts'
import type { SealedTable } from './sealed-tables.ts'
import type { MaybePromise, Statements } from './statements.ts'

type CountRow = Selectable<Schema['counts']>

/** A count as it is stored, if it is, and what that says: `damaged` where it is not as it was written. */
export interface StoredCount {
  row: CountRow | undefined
  count: Count | 'damaged'
}

/** What a commit has asked for. */
interface Asked {
  /** Keys of counts. */
  counts: readonly string[]
  /** Tables whose last ordinal was needed. */
  ordinals: readonly SealedTable[]
}

/** What was read as the transaction began. */
interface Ahead {
  /** By key: undefined where there is no such count. */
  counts: ReadonlyMap<string, CountRow | undefined>
  ordinals: ReadonlyMap<SealedTable, number>
}

/** Counts that are read ahead: what more agents than that need is hardly what the next commit does. */
const countsAtMost = 64

export class ReadOnce {
  /** What works have said that they will look up. */
  readonly lookedUp: LookedUp
  readonly #ahead: Ahead | undefined
  readonly #counts = new Map<string, MaybePromise<StoredCount>>()
  readonly #written = new Set<unknown>()
  readonly #ordinals = new Map<SealedTable, { last: MaybePromise<number>; taken: number }>()
  readonly #asked = new Set<string>()

  constructor(ahead?: Ahead, lookedUp = new LookedUp()) {
    this.#ahead = ahead
    this.lookedUp = lookedUp
  }

  /** With what a commit before has asked for, and what `works` will look up: read in statements none of which waits for another. */
  static async ahead(statements: Statements, last: Asked, works: readonly About[]): Promise<ReadOnce> {
    const lookedUp = new LookedUp()
    const [ahead] = await Promise.all([readAhead(statements, last), lookedUp.read(statements, works)])
    return new ReadOnce(ahead, lookedUp)
  }

  /** What the next commit is likely to ask for as well. */
  get asked(): Asked {
    return { counts: [...this.#asked].slice(0, countsAtMost), ordinals: [...this.#ordinals.keys()] }
  }

  count(key: string, read: () => MaybePromise<StoredCount>): MaybePromise<StoredCount> {
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = read()))
    return count
  }

  /** The row of the count as `read` finds it, if it was not read ahead. */
  countRow(key: string, read: () => MaybePromise<CountRow | undefined>): MaybePromise<CountRow | undefined> {
    this.#asked.add(key)
    return this.#ahead?.counts.has(key) ? this.#ahead.counts.get(key) : read()
  }

  /** The same to write it: `read` anew where the row may be another by now. */
  async countRowToWrite(
    key: string,
    read: () => MaybePromise<CountRow | undefined>,
  ): Promise<CountRow | undefined> {
    if (this.#written.has(key)) return await read()
    const known = this.#counts.get(key)
    return known ? (await known).row : await this.countRow(key, read)
  }

  /** A work has written the row of the count itself, as one does that puts it under another seal key. Whether that is kept is not known. */
  wroteCount(key: unknown): void {
    this.#written.add(key)
  }

  /** One more than the last: what a work that failed has taken is left out. */
  async nextOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    const ordinals = this.#ordinalsOf(table, last)
    const taken = (ordinals.taken += 1)
    return (await ordinals.last) + taken
  }

  /** What the last was before the commit, or one that was given since. */
  async lastOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    const ordinals = this.#ordinalsOf(table, last)
    return (await ordinals.last) + ordinals.taken
  }

  #ordinalsOf(table: SealedTable, last: () => MaybePromise<number>) {
    let ordinals = this.#ordinals.get(table)
    if (!ordinals)
      this.#ordinals.set(table, (ordinals = { last: this.#ahead?.ordinals.get(table) ?? last(), taken: 0 }))
    return ordinals
  }
}

const countsOf = (count: number) =>
  `select * from counts where key in (${Array(sizeFor(count)).fill('?').join()})`

const lastOrdinals = (tables: readonly SealedTable[]) =>
  `select ${tables
    .toSorted()
    .map((table) => `(select max(ordinal) from "${table}") as "${table}"`)
    .join()}`

async function readAhead(statements: Statements, { counts, ordinals }: Asked): Promise<Ahead> {
  const [rows, [last]] = await Promise.all([
    counts.length > 0 ? statements.all(countsOf(counts.length), filled(counts)) : [],
    ordinals.length > 0 ? statements.all(lastOrdinals(ordinals)) : [],
  ])
  const byKey = new Map(rows.map((row) => [row['key'], row as CountRow]))
  return {
    counts: new Map(counts.map((key) => [key, byKey.get(key)])),
    ordinals: new Map(ordinals.map((table) => [table, Number(last?.[table] ?? 0)])),
  }
}
