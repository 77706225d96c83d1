/** `node:sqlite` behind the few methods that kysely's SQLite dialect needs. */
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementResultingChanges,
  type StatementSync,
} from 'node:sqlite'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import type { Schema } from './schema.ts'
import { blankRow, type StoredRow } from './statements.ts'

/** Rows between two chances for others to have their turn. */
const rowsAtOnce = 100

/** A prepared statement, whose rows are objects of one shape: those that `node:sqlite` makes are dictionaries, slow to make and to read (docs/decisions/0065). */
export class Query {
  readonly #statement: StatementSync
  #columns: readonly string[] | undefined
  /** A row of which each is a copy. */
  #blank: Record<string, unknown> = {}

  constructor(database: DatabaseSync, sql: string) {
    this.#statement = database.prepare(sql)
    this.#statement.setReturnArrays(true)
  }

  get columns(): readonly string[] {
    return (this.#columns ??= this.#readColumns())
  }

  /**
   * All its rows. `node:sqlite` refuses the whole result when an integer is too large for a
   * number. Mayfly writes none, so somebody did: it is read as the nearest number,
   * for one spoilt row must not hide the others.
   */
  all(parameters: readonly unknown[]): Record<string, unknown>[] {
    const read = () =>
      this.#statement.all(...(parameters as SQLInputValue[])) as unknown as SQLOutputValue[][]
    try {
      return read().map((values) => this.#row(values))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    try {
      this.#statement.setReadBigInts(true)
      return read().map((values) => this.#row(values.map(nearestNumber)))
    } finally {
      this.#statement.setReadBigInts(false)
    }
  }

  /** Some rows after others. Nobody else may use it meanwhile. */
  *each(): Generator<StoredRow[]> {
    let rows: StoredRow[] = []
    for (const values of this.#values()) {
      rows.push(this.#row(values))
      if (rows.length < rowsAtOnce) continue
      yield rows
      rows = []
    }
    yield rows
  }

  run(parameters: readonly unknown[]): StatementResultingChanges {
    return this.#statement.run(...(parameters as SQLInputValue[]))
  }

  *#values(): Generator<SQLOutputValue[]> {
    const iterate = () => this.#statement.iterate() as unknown as Iterable<SQLOutputValue[]>
    let given = 0
    try {
      for (const values of iterate()) {
        yield values
        given += 1
      }
      return
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    // Somebody has written an integer that is too large: once more from the beginning, at three times the cost.
    this.#statement.setReadBigInts(true)
    for (const values of iterate()) {
      given -= 1
      if (given < 0) yield values.map(nearestNumber)
    }
  }

  #row(values: readonly SQLOutputValue[]): Record<string, unknown> {
    // Somebody has given the table another column since.
    if (values.length !== this.#columns?.length) this.#columns = this.#readColumns()
    const row = { ...this.#blank }
    let at = 0
    for (const column of this.#columns) row[column] = values[at++]
    return row
  }

  #readColumns(): readonly string[] {
    const columns = this.#statement.columns().map(({ name }) => name)
    this.#blank = blankRow(columns)
    return columns
  }
}

/** Kysely writes the same few statements again and again; preparing one costs more than running it. */
export function queryCache(database: DatabaseSync): (sql: string) => Query {
  const prepared = new Map<string, Query>()
  return (sql) => {
    const known = prepared.get(sql)
    if (known) return known
    const query = new Query(database, sql)
    if (prepared.size >= 500) prepared.clear()
    prepared.set(sql, query)
    return query
  }
}

/** For queries that are put together. */
export function kyselyOver(database: DatabaseSync, prepare: (sql: string) => Query): Kysely<Schema> {
  const port: SqliteDatabase = {
    close: () => database.close(),
    prepare(sql) {
      const query = prepare(sql)
      return {
        reader: query.columns.length > 0,
        all: (parameters) => query.all(parameters),
        run: (parameters) => query.run(parameters),
        iterate: () => {
          throw new Error('whoever reads some rows after others asks for them with `Statements.each`')
        },
      }
    },
  }
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: port }) })
}

function nearestNumber(value: SQLOutputValue): SQLOutputValue {
  return typeof value === 'bigint' ? Number(value) : value
}

/** Opens a connection that waits a moment for another's lock rather than failing at once. */
export function openDatabase(path: string, options: { readOnly: boolean }): DatabaseSync {
  return new DatabaseSync(path, {
    readOnly: options.readOnly,
    timeout: 5_000,
    enableForeignKeyConstraints: true,
  })
}
