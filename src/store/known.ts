/**
 * What is known of the store while its lock is held: read once for all works of a commit (docs/decisions/0063),
 * and kept, as they leave it, for as long as nobody else writes (docs/decisions/0069).
 */
import type { Selectable } from 'kysely'
import type { Count } from './counts.ts'
import type { About } from '../base/unit.ts'
import { LookedUp, padded, paddedSize } from './looked-up.ts'
import { Recent } from './recent.ts'
import type { Schema } from './schema.ts'
import type { SealedTable } from './sealed-tables.ts'
import type { MaybePromise, Statements, StoredRow } from './statements.ts'

type CountRow = Selectable<Schema['counts']>

/** A count as it is stored, if it is, and what that says: `damaged` where it is not as it was written. */
export interface StoredCount {
  row: CountRow | undefined
  count: Count | 'damaged'
}

/** What a commit will ask for. */
interface Asked {
  /** Keys of counts. */
  counts: readonly string[]
  /** Tables whose last ordinal is needed. */
  ordinals: readonly SealedTable[]
}

/** What was read as the transaction began. */
interface Ahead {
  /** By key: undefined where there is no such count. */
  counts: Map<string, CountRow | undefined>
  ordinals: Map<SealedTable, number>
}

/** Counts that are read ahead: what more agents than that need is hardly what the next commit does. */
const countsAtMost = 64

/** Counts that are kept: those of the agents and kinds that were of use last. */
const keptCounts = 2_000

export class Known {
  readonly lookedUp = new LookedUp()
  #ahead: Ahead | undefined
  readonly #counts = new Recent<MaybePromise<StoredCount>>(keptCounts)
  readonly #ordinals = new Map<SealedTable, { last: MaybePromise<number>; taken: number }>()
  /** Counts that the commit has asked for, and those that the one before it had: the next is likely to do so too. */
  #asked: Set<string>
  #askedBefore: ReadonlySet<string>
  /** Tables whose last ordinal was needed at any time: they are few. */
  readonly #needed: Set<SealedTable>
  /** Keys of counts that the work under way has written itself, and tables from which it has removed a row. */
  #written: string[] = []
  readonly #shrunk = new Set<SealedTable>()

  /** What was asked for is all that stays of what was known `before`. */
  constructor(before?: Known) {
    this.#asked = before ? before.#asked : new Set()
    this.#askedBefore = before ? before.#askedBefore : new Set()
    this.#needed = before ? before.#needed : new Set()
  }

  /**
   * Reads what the commits before have asked for, and what `works` will look up, as far as it is not known: in
   * statements none of which waits for another.
   */
  async ahead(statements: Statements, works: readonly About[]): Promise<void> {
    const asked = [...new Set([...this.#asked, ...this.#askedBefore])].slice(0, countsAtMost)
    const counts = asked.filter((key) => this.#counts.get(key) === undefined)
    const ordinals = [...this.#needed].filter((table) => !this.#ordinals.has(table))
    this.#askedBefore = this.#asked
    this.#asked = new Set()
    const [ahead] = await Promise.all([
      readAhead(statements, { counts, ordinals }),
      this.lookedUp.read(statements, works),
    ])
    this.#ahead = ahead
  }

  /** The same where all that was known may have been made untrue. */
  anew(): Known {
    return new Known(this)
  }

  /** A work begins. */
  begin(): void {
    this.#written = []
    this.#shrunk.clear()
    this.lookedUp.begin()
  }

  /** Nothing is left of the work that is under way. */
  undo(): void {
    for (const key of this.#written) this.#counts.delete(key)
    this.#written = []
    // One may have been read behind the removal of the last, which is there again.
    for (const table of this.#shrunk) this.#forgetOrdinals(table)
    this.#shrunk.clear()
    this.lookedUp.undo()
  }

  /** A work writes a row, which was `before` until then and is `after`: undefined where there is none. To be told before that is sent. */
  writes(table: SealedTable, before: StoredRow | undefined, after: StoredRow | undefined): void {
    if (table === 'counts') this.#writesCount(before, after)
    if (!after) {
      // The last may be gone.
      this.#forgetOrdinals(table)
      this.#shrunk.add(table)
    }
    this.lookedUp.writes(table, before, after)
    if (table === 'tasks' && after && !before) this.lookedUp.opens(after)
  }

  /** What the count says: as it is known, else as `read` finds it. */
  count(key: string, read: () => MaybePromise<StoredCount>): MaybePromise<StoredCount> {
    this.#asks(key)
    let count = this.#counts.get(key)
    if (count === undefined) this.#counts.set(key, (count = read()))
    return count
  }

  /** The row of the count as `read` finds it, if it was not read ahead. */
  countRow(key: string, read: () => MaybePromise<CountRow | undefined>): MaybePromise<CountRow | undefined> {
    this.#asks(key)
    return this.#ahead?.counts.has(key) ? this.#ahead.counts.get(key) : read()
  }

  /** The row of a count that is to be written: as it is known, else as `countRow` has it. */
  async countRowToWrite(
    key: string,
    read: () => MaybePromise<CountRow | undefined>,
  ): Promise<CountRow | undefined> {
    this.#asks(key)
    const known = this.#counts.get(key)
    return known ? (await known).row : await this.countRow(key, read)
  }

  /** That is what has become of a count. */
  counted(key: string, stored: StoredCount): void {
    this.#counts.set(key, stored)
  }

  /** One more than the last: what a work that failed has taken is left out. */
  async nextOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    const ordinals = this.#ordinalsOf(table, last)
    const taken = (ordinals.taken += 1)
    return (await ordinals.last) + taken
  }

  /** What the last was when it was read, or one that was given since. */
  async lastOrdinal(table: SealedTable, last: () => MaybePromise<number>): Promise<number> {
    const ordinals = this.#ordinalsOf(table, last)
    return (await ordinals.last) + ordinals.taken
  }

  #asks(key: string): void {
    if (this.#asked.size < countsAtMost) this.#asked.add(key)
  }

  #writesCount(before: StoredRow | undefined, after: StoredRow | undefined): void {
    const { key } = (after ?? before) as CountRow
    this.#written.push(key)
    this.#counts.delete(key)
    this.#ahead?.counts.delete(key)
  }

  #forgetOrdinals(table: SealedTable): void {
    this.#ordinals.delete(table)
    this.#ahead?.ordinals.delete(table)
  }

  #ordinalsOf(table: SealedTable, last: () => MaybePromise<number>) {
    this.#needed.add(table)
    let ordinals = this.#ordinals.get(table)
    if (!ordinals)
      this.#ordinals.set(table, (ordinals = { last: this.#ahead?.ordinals.get(table) ?? last(), taken: 0 }))
    return ordinals
  }
}

const countsOf = (count: number) =>
  `select * from counts where key in (${Array(paddedSize(count)).fill('?').join()})`

const lastOrdinals = (tables: readonly SealedTable[]) =>
  `select ${tables
    .toSorted()
    .map((table) => `(select max(ordinal) from "${table}") as "${table}"`)
    .join()}`

async function readAhead(statements: Statements, { counts, ordinals }: Asked): Promise<Ahead> {
  const [rows, [last]] = await Promise.all([
    counts.length > 0 ? statements.all(countsOf(counts.length), padded(counts)) : [],
    ordinals.length > 0 ? statements.all(lastOrdinals(ordinals)) : [],
  ])
  const byKey = new Map(rows.map((row) => [row['key'], row as CountRow]))
  return {
    counts: new Map(counts.map((key) => [key, byKey.get(key)])),
    ordinals: new Map(ordinals.map((table) => [table, Number(last?.[table] ?? 0)])),
  }
}
