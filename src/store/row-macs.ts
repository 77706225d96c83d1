/** What tells a row that the broker wrote from one that somebody else did. */
import type { Seal } from '../base/seal.ts'
import { type SealedTable, sealedTables } from './sealed-tables.ts'
import { blankRow, type Statements, type StoredRow } from './statements.ts'
import { WorkedOut } from './worked-out.ts'

/** Of each table, every column but the MAC's own, in order of name. */
type Columns = ReadonlyMap<SealedTable, readonly string[]>
/** Of each table, a row that holds nothing. */
type Blank = ReadonlyMap<SealedTable, StoredRow>

/** Makes and checks the MACs of one store's rows. */
export class RowMacs {
  readonly #seal: Seal
  readonly #installation: string
  readonly #columns: Columns
  readonly #blank: Blank
  /** Rows by the MACs that they were given: most are read again within moments. */
  readonly #made: WorkedOut<{ table: SealedTable; row: StoredRow }>

  private constructor(seal: Seal, installation: string, columns: Columns) {
    this.#seal = seal
    this.#made = new WorkedOut(seal, 2_000)
    this.#installation = installation
    this.#columns = columns
    this.#blank = new Map([...columns].map(([table, names]) => [table, blankRow(names)]))
  }

  /** The row as it will be found: with what it does not hold. */
  whole(table: SealedTable, values: StoredRow): Record<string, unknown> {
    return { ...this.#blank.get(table), ...values }
  }

  static async of(statements: Statements, seal: Seal, installation: string): Promise<RowMacs> {
    const columns = new Map<SealedTable, string[]>()
    for (const table of sealedTables) {
      const names = await statements.dialect.columns(statements, table)
      columns.set(table, names.filter((name) => name !== 'row_mac').toSorted())
    }
    return new RowMacs(seal, installation, columns)
  }

  /** `KEY.MAC`, under the seal key that is current. */
  of(table: SealedTable, row: StoredRow): string {
    const mac = this.#under(this.#seal.current, table, row)
    this.#made.set(mac, { table, row })
    return mac
  }

  /**
   * The MAC of a row that somebody else has altered, as the broker leaves it: altered it stays. Under the MAC that it
   * had, whoever altered it could put it back as it was, and undo what the broker has made of it unnoticed.
   */
  ofAltered(table: SealedTable, row: StoredRow): string {
    return this.#under(this.#seal.current, table, row, 'altered row')
  }

  /** Whether the row is as the broker wrote it. False too when its key is not configured. */
  isGenuine(table: SealedTable, row: StoredRow): boolean {
    const { row_mac: stored } = row
    if (typeof stored !== 'string') return false
    const known = this.#made.get(stored)
    if (known?.table === table && (known.row === row || this.#isSame(table, row, known.row))) return true
    const key = stored.slice(0, stored.indexOf('.'))
    return this.#seal.has(key) && this.#under(key, table, row) === stored
  }

  /** Whether nothing that the MAC covers differs. */
  #isSame(table: SealedTable, row: StoredRow, other: StoredRow): boolean {
    for (const column of this.#columns.get(table)!)
      if ((row[column] ?? null) !== (other[column] ?? null)) return false
    return true
  }

  /** Whether the row is under the seal key that seals from now on. */
  isCurrent({ row_mac: stored }: StoredRow): boolean {
    return typeof stored === 'string' && stored.startsWith(`${this.#seal.current}.`)
  }

  /**
   * Covers the installation, so that nothing counts in another one with the same key; the
   * table; and each column that holds something, under its name: a column that is added
   * later, and is null, changes nothing.
   */
  #under(key: string, table: SealedTable, row: StoredRow, purpose = 'row'): string {
    const covered: unknown[] = [this.#installation, table]
    for (const column of this.#columns.get(table)!) {
      const value = row[column] ?? null
      if (value !== null) covered.push(column, value)
    }
    return `${key}.${this.#seal.mac(purpose, JSON.stringify(covered), key).mac}`
  }
}
