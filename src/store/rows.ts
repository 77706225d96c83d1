/**
 * The one way in which rows that grant are written: each with its MAC, and counted. A row
 * that somebody else has written stays one, however often the broker changes it.
 */
import type { Insertable, Selectable } from 'kysely'
import type { About } from '../base/unit.ts'
import { Columns } from './columns.ts'
import { type Count, countIn, type Counts } from './counts.ts'
import type { Intrusion } from './inspection.ts'
import { Known, type StoredCount } from './known.ts'
import { type LookupName, lookups, sqlOf } from './looked-up.ts'
import type { RowMacs } from './row-macs.ts'
import { selection } from './row-sql.ts'
import type { RowSums } from './row-sums.ts'
import type { RowWrites } from './row-writes.ts'
import type { Schema } from './schema.ts'
import { nameOf, type SealedTable, sealedTables, sealingOf } from './sealed-tables.ts'
import type { StoredRow } from './statements.ts'

type RowOf<Table extends SealedTable> = Selectable<Schema[Table]>
/** What only the gateway sets. */
type OwnColumn = 'ordinal' | 'row_mac'
type NewRow<Table extends SealedTable> = Omit<Insertable<Schema[Table]>, OwnColumn>
type FoundBy<Name extends LookupName> = (typeof lookups)[Name] extends { selected: string }
  ? StoredRow
  : RowOf<(typeof lookups)[Name]['table']>
export type Change<Table extends SealedTable> = Partial<Omit<RowOf<Table>, OwnColumn>>

/** Who knows what somebody else has done to the store. */
export interface Watch {
  /** @throws BrokerError `unavailable` while nothing may be granted. */
  mayGrant(): void
  /** Whether of each task that stands in the store it is known whether it is open. */
  readonly knowsTasks: boolean
  /** @throws BrokerError `unavailable` while nothing may be granted to the task in this place. */
  mayGrantTo(ordinal: number): void
  readonly intrusion: Intrusion
}

/** For where nobody watches: nothing is granted there. */
export const unwatched: Watch = {
  mayGrant: () => undefined,
  knowsTasks: true,
  mayGrantTo: () => undefined,
  intrusion: { doubts: [], damaged: [] },
}

export class Rows {
  readonly #writes: RowWrites
  readonly #macs: RowMacs
  readonly #sums: RowSums
  readonly #counts: Counts
  readonly #watch: Watch
  #known: Known | undefined
  /** By table and id, as they stand in the transaction: nobody else changes what it has read. */
  readonly #seen = new Map<string, StoredRow>()
  #tookDamaged = false
  /** Whether all counts were thrown away, to be made anew. */
  #countsAnew = false

  constructor(given: {
    writes: RowWrites
    macs: RowMacs
    sums: RowSums
    counts: Counts
    watch: Watch
    /** What is known of the store, where that is relied on. */
    known?: Known
  }) {
    this.#writes = given.writes
    this.#macs = given.macs
    this.#sums = given.sums
    this.#counts = given.counts
    this.#watch = given.watch
    this.#known = given.known
  }

  /** Whether a damaged row was removed: then what is known of the store is no longer true. */
  get tookDamaged(): boolean {
    return this.#tookDamaged
  }

  /** Names of rows of this table that are known to be damaged, whatever they say whose they are. */
  damaged(table: SealedTable): string[] {
    return this.#watch.intrusion.damaged.filter((row) => row.table === table).map(({ row }) => row)
  }

  /** Whether the broker wrote the row, as a whole and in this place. */
  isGenuine<Table extends SealedTable>(table: Table, row: RowOf<Table>): boolean {
    return this.#macs.isGenuine(table, row)
  }

  /** Reads the row; one that the broker did not write is damaged, whatever it holds. */
  read<Table extends SealedTable>(table: Table, row: RowOf<Table>): Columns<RowOf<Table>> {
    return new Columns(row, this.isGenuine(table, row) ? [] : ['it is not as it was written'])
  }

  /** The first row with this value in a column that has an index. One that was read in this transaction is not read again. */
  async one<Table extends SealedTable>(
    table: Table,
    column: keyof RowOf<Table> & string,
    value: string,
  ): Promise<RowOf<Table> | undefined> {
    const seen = column === 'id' && this.#seen.get(nameIn(table, value))
    if (seen) return seen as RowOf<Table>
    const lookedUp = this.#known?.lookedUp
    const known = lookedUp?.by(table, column, value)
    const rows = known ?? (await this.#writes.reading(table).all(selection(table, column), [value]))
    if (!known) lookedUp?.foundBy(table, column, value, rows)
    const [row] = rows
    if (row) this.#see(table, row)
    return row as RowOf<Table> | undefined
  }

  /** All that a lookup finds. */
  async found<Name extends LookupName>(name: Name, value: string): Promise<readonly FoundBy<Name>[]> {
    const lookedUp = this.#known?.lookedUp
    const known = lookedUp?.rows(name, value)
    const rows = known ?? (await this.#writes.reading(lookups[name].table).all(sqlOf(name), [value]))
    if (!known) lookedUp?.found(name, value, rows)
    if (!('selected' in lookups[name])) for (const row of rows) this.#see(lookups[name].table, row)
    return rows as readonly FoundBy<Name>[]
  }

  /** Looks that up beforehand, in one go; where nothing is kept that is known, it is for this transaction. */
  async lookUp(works: readonly About[]): Promise<void> {
    this.#known ??= new Known()
    await this.#known.lookedUp.read(this.#writes.statements, works)
  }

  /** Rows for which this holds: SQL that an index serves, of this table alone. */
  async where<Table extends SealedTable>(
    table: Table,
    condition: string,
    values: readonly unknown[],
  ): Promise<RowOf<Table>[]> {
    const rows = await this.#writes.reading(table).all(`select * from "${table}" where ${condition}`, values)
    for (const row of rows) this.#see(table, row)
    return rows as RowOf<Table>[]
  }

  /** Whether there are rows of a table whose rows have ordinals; one that a work which failed has put in may count. */
  async any(table: SealedTable): Promise<boolean> {
    return (await (this.#known ?? new Known()).lastOrdinal(table, () => this.#lastOrdinal(table))) > 0
  }

  /** Returns the row as it stands then. @throws BrokerError `unavailable` where it would grant and nothing may be granted. */
  async insert<Table extends SealedTable>(table: Table, values: NewRow<Table>): Promise<RowOf<Table>> {
    const { key, grants } = sealingOf(table)
    const row = this.#macs.whole(table, wellFormed(values))
    if (key === 'ordinal') row['ordinal'] = await this.#nextOrdinal(table)
    if (grants?.(undefined, row)) await this.#mayGrant(table, row)
    row['row_mac'] = this.#macs.of(table, row)
    await this.#put(table, row)
    this.#counts.add(table, row)
    return row as RowOf<Table>
  }

  /**
   * Changes `row`, which was read in this transaction. Returns it as it stands then.
   *
   * @throws BrokerError `unavailable` where it would grant and nothing may be granted.
   */
  async change<Table extends SealedTable>(
    table: Table,
    row: RowOf<Table>,
    change: Change<Table>,
  ): Promise<RowOf<Table>> {
    const set = wellFormed(change)
    const after: Record<string, unknown> = { ...row, ...set }
    if (sealingOf(table).grants?.(row, after)) await this.#mayGrant(table, row)
    const isGenuine = this.isGenuine(table, row)
    after['row_mac'] = isGenuine ? this.#macs.of(table, after) : this.#macs.ofAltered(table, after)
    await this.#set(table, row, after, [...Object.keys(set), 'row_mac'])
    // What somebody else has altered stays counted as what it was: nobody knows whose it is.
    if (isGenuine) {
      this.#counts.remove(table, row)
      this.#counts.add(table, after)
    }
    return after as RowOf<Table>
  }

  /** Removes `row`, which was read in this transaction. */
  async remove<Table extends SealedTable>(table: Table, row: RowOf<Table>): Promise<void> {
    if (!this.isGenuine(table, row)) this.#tookDamaged = true
    this.#known?.writes(table, row, undefined)
    await this.#writes.remove(table, row)
    this.#seen.delete(nameIn(table, (row as StoredRow)['id']))
    this.#sums.remove(table, row)
    this.#counts.remove(table, row)
  }

  /** Undefined where nobody can tell: a count is not as it was written, and may have been this one's, or rows are not that it is of. */
  async count(key: string, of: SealedTable): Promise<Count | undefined> {
    if (this.damaged(of).length > 0) return undefined
    const read = async (): Promise<StoredCount> => {
      const stored = () => this.one('counts', 'key', key)
      const row = await (this.#known ? this.#known.countRow(key, stored) : stored())
      if (row && !this.isGenuine('counts', row)) return { row, count: 'damaged' }
      return { row, count: row ? countIn(row) : {} }
    }
    const { row, count } = await (this.#known ? this.#known.count(key, read) : read())
    if (count === 'damaged' || this.#mayBeLost(row)) return undefined
    return this.#counts.after(key, count)
  }

  /**
   * The counts from the key `from` on and before `to`, in steps; an entry is undefined where nobody
   * can tell, like those of `count`.
   */
  async *countsWithin(
    from: string,
    to: string,
    of: SealedTable,
  ): AsyncGenerator<(readonly [key: string, count: Count])[] | undefined> {
    const changed = new Set(this.#counts.changedWithin(from, to))
    for (let after = from; ;) {
      if (this.damaged(of).length > 0 || this.#mayBeLost(undefined)) return yield undefined
      const condition = `key > ? and key < ? order by key limit ${countsPerStep}`
      const rows = await this.where('counts', condition, [after, to])
      if (!rows.every((row) => this.isGenuine('counts', row))) return yield undefined
      for (const { key } of rows) changed.delete(key)
      if (rows.length > 0)
        yield rows.map((row) => [row.key, this.#counts.after(row.key, countIn(row))] as const)
      const last = rows.at(-1)
      if (!last || rows.length < countsPerStep) break
      after = last.key
    }
    if (changed.size > 0) yield [...changed].map((key) => [key, this.#counts.after(key)] as const)
  }

  /** The same in one; undefined where nobody can tell. */
  async allCounts(
    from: string,
    to: string,
    of: SealedTable,
  ): Promise<(readonly [key: string, count: Count])[] | undefined> {
    const all: (readonly [key: string, count: Count])[] = []
    for await (const some of this.countsWithin(from, to, of)) {
      if (!some) return undefined
      all.push(...some)
    }
    return all
  }

  /**
   * Writes what has changed of the counts: once a commit, however many works have changed one. Nothing is made of
   * one that is not as it was written: what it was may have been put back by the next commit.
   */
  async writeCounts(): Promise<void> {
    const keys = this.#counts.changed
    // Those that nobody has read: in one round trip, where there are any.
    const rows = await Promise.all(
      keys.map((key) => {
        const stored = () => this.one('counts', 'key', key)
        return this.#known ? this.#known.countRowToWrite(key, stored) : stored()
      }),
    )
    for (const [at, key] of keys.entries()) {
      const row = rows[at]
      if (row ? !this.isGenuine('counts', row) : this.#mayBeLost(row)) {
        const stored = row
          ? await this.change('counts', row, {})
          : await this.#putAltered('counts', { key, value: '{}' })
        this.#known?.counted(key, { row: stored, count: 'damaged' })
        continue
      }
      const count = this.#counts.after(key, row && countIn(row))
      const value = JSON.stringify(count)
      let stored: RowOf<'counts'> | undefined
      if (!row) stored = await this.insert('counts', { key, value })
      else if (value === '{}') await this.remove('counts', row)
      else stored = await this.change('counts', row, { value })
      this.#known?.counted(key, { row: stored, count })
    }
  }

  /** Whether a count that is not there may have been, under the key that somebody else has given to another. */
  #mayBeLost(row: RowOf<'counts'> | undefined): boolean {
    return !row && !this.#countsAnew && this.damaged('counts').length > 0
  }

  /**
   * Puts rows of the table behind `after` under the seal key that is current, at most
   * `limit`. Returns what to go on behind, undefined at the end.
   */
  async reseal(table: SealedTable, after: unknown, limit: number): Promise<unknown> {
    if (!this.#sums.isBehind(table)) return undefined
    const { key, current = 'true' } = sealingOf(table)
    const behind = after === undefined ? '' : `and "${key}" > ?`
    const rows = await this.#writes.statements.all(
      `select * from "${table}" where ${current} ${behind} order by "${key}" limit ${limit}`,
      after === undefined ? [] : [after],
    )
    for (const row of rows) if (!this.#macs.isCurrent(row)) await this.change(table, row as never, {})
    return rows.length < limit ? undefined : rows.at(-1)?.[key]
  }

  /** The seal keys under which there are rows that must be under one that is configured. */
  keys(): string[] {
    return this.#sums.keys()
  }

  /** Takes rows as they stand for the broker's own, but for those that `not` names: for what a migration has made. */
  async sealAll(not: (table: SealedTable, row: string) => boolean): Promise<void> {
    for await (const [table, row] of this.#counted()) {
      this.#sums.add(table, row)
      if (!not(table, nameOf(table, row))) await this.#seal(table, row)
    }
    await this.writeCounts()
  }

  /** Takes what is there for all that there is. Returns how many rows are damaged. */
  async acceptAll(installation: string): Promise<number> {
    let damaged = 0
    for await (const [table, row] of this.#counted()) {
      this.#sums.add(table, row)
      if (this.#macs.isGenuine(table, row)) continue
      damaged += 1
      const { accepted } = sealingOf(table)
      if (accepted === 'trusted') await this.#seal(table, row)
      if (accepted === 'removed') await this.remove(table, row as never)
    }
    if (!(await this.one('installation', 'id', installation)))
      await this.insert('installation', { id: installation })
    await this.writeCounts()
    return damaged
  }

  /** All rows, of which the counts are to be made anew. */
  async *#counted(): AsyncGenerator<[SealedTable, StoredRow]> {
    this.#countsAnew = true
    await this.#writes.statements.run('delete from counts')
    for (const table of sealedTables)
      for (const row of await this.#writes.statements.all(`select * from "${table}"`)) {
        this.#counts.add(table, row)
        yield [table, row]
      }
  }

  async #put(table: SealedTable, row: StoredRow): Promise<void> {
    this.#known?.writes(table, undefined, row)
    await this.#writes.insert(table, row)
    this.#sums.add(table, row)
  }

  /** Puts in what counts as somebody else's from the beginning. */
  async #putAltered<Table extends SealedTable>(table: Table, values: NewRow<Table>): Promise<RowOf<Table>> {
    const row = this.#macs.whole(table, values as StoredRow)
    row['row_mac'] = this.#macs.ofAltered(table, row)
    await this.#put(table, row)
    return row as RowOf<Table>
  }

  /** Takes the row for the broker's own. */
  async #seal(table: SealedTable, row: StoredRow): Promise<void> {
    await this.#set(table, row, { ...row, row_mac: this.#macs.of(table, row) }, ['row_mac'])
  }

  async #mayGrant(table: SealedTable, row: StoredRow): Promise<void> {
    this.#watch.mayGrant()
    if (this.#watch.knowsTasks) return
    for (const id of sealingOf(table).standsOn?.(row) ?? []) {
      const [task] = await this.#writes.reading('tasks').all('select ordinal from tasks where id = ?', [id])
      if (task) this.#watch.mayGrantTo(Number(task['ordinal']))
    }
  }

  /** Writes these columns of what becomes of `row`. */
  async #set(
    table: SealedTable,
    row: StoredRow,
    after: StoredRow,
    columns: readonly string[],
  ): Promise<void> {
    this.#known?.writes(table, row, after)
    await this.#writes.update(table, row, after, columns)
    this.#see(table, after)
    this.#sums.remove(table, row)
    this.#sums.add(table, after)
  }

  #see(table: SealedTable, row: StoredRow): void {
    if (typeof row['id'] === 'string') this.#seen.set(nameIn(table, row['id']), row)
  }

  #nextOrdinal(table: SealedTable): Promise<number> {
    return (this.#known ?? new Known()).nextOrdinal(table, () => this.#lastOrdinal(table))
  }

  async #lastOrdinal(table: SealedTable): Promise<number> {
    const [row] = await this.#writes.reading(table).all(`select max(ordinal) as last from "${table}"`)
    return Number(row?.['last'] ?? 0)
  }
}

const nameIn = (table: SealedTable, id: unknown) => `${table} ${String(id)}`

/** Counts read in one step: others wait for it. */
const countsPerStep = 500

/** As any engine will give it back: text is UTF-8, which has no lone surrogates, and without NUL. */
function wellFormed(row: StoredRow): Record<string, unknown> {
  const formed: Record<string, unknown> = { ...row }
  for (const column in formed) {
    const value = formed[column]
    if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0')))
      formed[column] = value.toWellFormed().replaceAll('\0', '\uFFFD')
  }
  return formed
}
