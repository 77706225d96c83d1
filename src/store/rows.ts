/**
 * The one way in which rows that grant are written: each with its MAC. A row that
 * somebody else has written stays one, however often the broker changes it.
 */
import type { Insertable, Selectable } from 'kysely'
import { Columns } from './columns.ts'
import type { RowMacs } from './row-macs.ts'
import type { Schema } from './schema.ts'
import { keyOf, type SealedTable, sealedTables } from './sealed-tables.ts'
import type { Statements, StoredRow } from './statements.ts'

type RowOf<Table extends SealedTable> = Selectable<Schema[Table]>
/** What only the gateway sets. */
type OwnColumn = 'ordinal' | 'row_mac'
type NewRow<Table extends SealedTable> = Omit<Insertable<Schema[Table]>, OwnColumn>
type Change<Table extends SealedTable> = Partial<Omit<RowOf<Table>, OwnColumn>>

export class Rows {
  readonly #statements: Statements
  readonly #macs: RowMacs

  constructor(statements: Statements, macs: RowMacs) {
    this.#statements = statements
    this.#macs = macs
  }

  /** Whether the broker wrote the row, as a whole and in this place. */
  isGenuine<Table extends SealedTable>(table: Table, row: RowOf<Table>): boolean {
    return this.#macs.isGenuine(table, row)
  }

  /** Reads the row; one that the broker did not write is damaged, whatever it holds. */
  read<Table extends SealedTable>(table: Table, row: RowOf<Table>): Columns<RowOf<Table>> {
    return new Columns(row, this.isGenuine(table, row) ? [] : ['it is not as it was written'])
  }

  /** The first row with this value in a column that has an index. */
  one<Table extends SealedTable>(
    table: Table,
    column: keyof RowOf<Table> & string,
    value: string,
  ): RowOf<Table> | undefined {
    const sql = `select * from "${table}" where "${column}" = ?`
    return this.#statements.all(sql, [value])[0] as RowOf<Table> | undefined
  }

  insert<Table extends SealedTable>(table: Table, values: NewRow<Table>): void {
    const row: StoredRow = wellFormed({
      ...values,
      ...(keyOf(table) === 'ordinal' && { ordinal: this.#nextOrdinal(table) }),
    })
    const sealed = { ...row, row_mac: this.#macs.of(table, row) }
    const columns = Object.keys(sealed)
    this.#statements.run(
      `insert into "${table}" (${columns.map(quoted).join()}) values (${columns.map(() => '?').join()})`,
      Object.values(sealed),
    )
  }

  /** Changes `row`, which was read in this transaction. */
  change<Table extends SealedTable>(table: Table, row: RowOf<Table>, change: Change<Table>): void {
    const set = wellFormed(change)
    const mac = this.isGenuine(table, row) && this.#macs.of(table, { ...row, ...set })
    this.#set(table, row, mac === false ? set : { ...set, row_mac: mac })
  }

  /** Removes `row`, which was read in this transaction. */
  remove<Table extends SealedTable>(table: Table, row: RowOf<Table>): void {
    const key = keyOf(table)
    this.#statements.run(`delete from "${table}" where "${key}" = ?`, [(row as StoredRow)[key]])
  }

  /** Takes every row as it stands for the broker's own: for what a migration has made. */
  sealAll(): void {
    for (const table of sealedTables)
      for (const row of this.#statements.all(`select * from "${table}"`))
        this.#set(table, row, { row_mac: this.#macs.of(table, row) })
  }

  #set(table: SealedTable, row: StoredRow, values: StoredRow): void {
    const key = keyOf(table)
    const columns = Object.keys(values).map((column) => `${quoted(column)} = ?`)
    this.#statements.run(`update "${table}" set ${columns.join()} where "${key}" = ?`, [
      ...Object.values(values),
      row[key],
    ])
  }

  #nextOrdinal(table: SealedTable): number {
    const [row] = this.#statements.all(`select max(ordinal) as last from "${table}"`)
    return Number(row?.['last'] ?? 0) + 1
  }
}

const quoted = (column: string) => `"${column}"`

/** As SQLite will give it back: text there is UTF-8, which has no lone surrogates. */
function wellFormed(row: StoredRow): StoredRow {
  const values = Object.entries(row).map(([column, value]) => [
    column,
    typeof value === 'string' ? value.toWellFormed() : value,
  ])
  return Object.fromEntries(values) as StoredRow
}
