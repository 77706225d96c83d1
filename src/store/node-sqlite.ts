/** `node:sqlite` behind the few methods that kysely's SQLite dialect needs. */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import type { Schema } from './schema.ts'
import type { StoredRow } from './statements.ts'

/** Rows between two chances for others to have their turn. */
const rowsAtOnce = 100

/** Kysely writes the same few statements again and again; preparing one costs more than running it. */
export function statementCache(database: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>()
  return (sql) => {
    const known = prepared.get(sql)
    if (known) return known
    const statement = database.prepare(sql)
    if (prepared.size >= 500) prepared.clear()
    prepared.set(sql, statement)
    return statement
  }
}

/** For queries that are put together. */
export function kyselyOver(database: DatabaseSync, prepare: (sql: string) => StatementSync): Kysely<Schema> {
  const port: SqliteDatabase = {
    close: () => database.close(),
    prepare(sql) {
      const statement = prepare(sql)
      const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => readAll(statement, values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)) as IterableIterator<never>,
      }
    },
  }
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: port }) })
}

/**
 * All rows of a statement. `node:sqlite` refuses the whole result when an integer is too large for a
 * number. Mayfly writes none, so somebody did: it is read as the nearest number,
 * for one spoilt row must not hide the others.
 */
export function readAll(statement: StatementSync, parameters: SQLInputValue[]): Record<string, unknown>[] {
  try {
    return statement.all(...parameters)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  try {
    statement.setReadBigInts(true)
    return statement.all(...parameters).map(withNumbers)
  } finally {
    statement.setReadBigInts(false)
  }
}

/** Some rows of a statement after others. It must be one that nobody else uses meanwhile. */
export function* readEach(statement: StatementSync): Generator<StoredRow[]> {
  let rows: StoredRow[] = []
  for (const row of rowsOf(statement)) {
    rows.push(row)
    if (rows.length < rowsAtOnce) continue
    yield rows
    rows = []
  }
  yield rows
}

function* rowsOf(statement: StatementSync): Generator<StoredRow> {
  let given = 0
  try {
    for (const row of statement.iterate()) {
      yield row
      given += 1
    }
    return
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  // Somebody has written an integer that is too large: once more from the beginning, at three times the cost.
  statement.setReadBigInts(true)
  for (const row of statement.iterate()) {
    given -= 1
    if (given < 0) yield withNumbers(row)
  }
}

function withNumbers(row: Record<string, SQLOutputValue>): Record<string, unknown> {
  const read: Record<string, unknown> = row
  for (const [column, value] of Object.entries(row))
    if (typeof value === 'bigint') read[column] = Number(value)
  return read
}

/** Opens a connection that waits a moment for another's lock rather than failing at once. */
export function openDatabase(path: string, options: { readOnly: boolean }): DatabaseSync {
  return new DatabaseSync(path, {
    readOnly: options.readOnly,
    timeout: 5_000,
    enableForeignKeyConstraints: true,
  })
}
