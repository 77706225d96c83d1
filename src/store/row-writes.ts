/** Where the rows of the gateway go, and what is asked of the database behind them. */
import { insertion, update } from './row-sql.ts'
import { type SealedTable, sealingOf } from './sealed-tables.ts'
import type { MaybePromise, Statements, StoredRow } from './statements.ts'

/** What is asked takes in all that was written before. */
export interface RowWrites {
  /** For whatever else is asked of the database. */
  readonly statements: Statements
  /** For what is asked of the table alone. */
  reading(table: SealedTable): Statements
  /** `row` has all columns, in the same order as all other rows that are put into the table. */
  insert(table: SealedTable, row: StoredRow): MaybePromise<void>
  /** Writes these columns of what becomes of `row`. */
  update(table: SealedTable, row: StoredRow, after: StoredRow, columns: readonly string[]): MaybePromise<void>
  remove(table: SealedTable, row: StoredRow): MaybePromise<void>
}

/** Each write is a statement at once. */
export class AtOnce implements RowWrites {
  readonly statements: Statements

  constructor(statements: Statements) {
    this.statements = statements
  }

  reading(): Statements {
    return this.statements
  }

  insert(table: SealedTable, row: StoredRow): MaybePromise<void> {
    return this.statements.run(insertion(table, Object.keys(row)), Object.values(row))
  }

  update(
    table: SealedTable,
    row: StoredRow,
    after: StoredRow,
    columns: readonly string[],
  ): MaybePromise<void> {
    const { key } = sealingOf(table)
    const values = columns.map((column) => after[column])
    return this.statements.run(update(table, columns, key), [...values, row[key]])
  }

  remove(table: SealedTable, row: StoredRow): MaybePromise<void> {
    const { key } = sealingOf(table)
    return this.statements.run(`delete from "${table}" where "${key}" = ?`, [row[key]])
  }
}
