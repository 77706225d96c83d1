/** SQL that is written out, for what is done at every request. */

/** A row as it is stored, whatever that may be. */
export type StoredRow = Readonly<Record<string, unknown>>

/** Runs SQL on one connection, each text prepared once. */
export interface Statements {
  all(sql: string, values?: readonly unknown[]): StoredRow[]
  /** One row after another, for what may be millions of them. */
  each(sql: string): Iterable<StoredRow>
  run(sql: string, values?: readonly unknown[]): void
}
