/** SQL that is written out, for what is done at every request. */
import type { RawBuilder } from 'kysely'

/** A row as it is stored, whatever that may be. */
export type StoredRow = Readonly<Record<string, unknown>>

/** A row of these columns that holds nothing. Parsed, for it has the form of a literal then, however many members it has. */
export function blankRow(columns: readonly string[]): Record<string, unknown> {
  return JSON.parse(`{${columns.map((name) => `${JSON.stringify(name)}:null`).join()}}`) as Record<
    string,
    unknown
  >
}

/** At once where the engine is part of this process, later where it is a server. */
export type MaybePromise<T> = T | Promise<T>

/** What engines say each in their own way, as far as the store's queries need it. */
export interface Dialect {
  /** Names of the table's columns; none where there is no such table. */
  columns(statements: Statements, table: string): Promise<string[]>
  /** What the schema is, to be vouched for with the head; undefined where the migrations alone tell what it should be. */
  schema(statements: Statements): Promise<string | undefined>
  /** What is in the schema that should not be, or the other way round. `known` is what was vouched for. */
  schemaFaults(statements: Statements, known: string | undefined): Promise<string[]>
  /** The members at `path` of the JSON in `column`, as `member`, each with `key` and `value`. What is no JSON has none. */
  membersOf(column: string, path: readonly string[]): RawBuilder<unknown>
}

/** Runs SQL on one connection, each text prepared once. */
export interface Statements {
  readonly dialect: Dialect
  all(sql: string, values?: readonly unknown[]): MaybePromise<StoredRow[]>
  /** Some rows after others, for what may be millions of them. */
  each(sql: string): Iterable<StoredRow[]> | AsyncIterable<StoredRow[]>
  run(sql: string, values?: readonly unknown[]): MaybePromise<void>
}
