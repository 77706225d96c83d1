/** What migrations write differently for the engines. What SQLite is told is never changed. */
import { type ColumnDefinitionBuilder, type Kysely, PostgresAdapter } from 'kysely'

type Database = Pick<Kysely<unknown>, 'getExecutor'>

export function isPostgres(db: Database): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

/** Numbers that go beyond 32 bits: every integer of SQLite's does. */
export function long(db: Database): 'integer' | 'bigint' {
  return isPostgres(db) ? 'bigint' : 'integer'
}

/** The rows' order, which the broker gives them. */
export function ordinal(
  db: Database,
): ['integer' | 'bigint', (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder] {
  return [long(db), (column) => (isPostgres(db) ? column.primaryKey() : column.primaryKey().autoIncrement())]
}
