/** The tables and indexes of a SQLite file, and nothing else: a trigger of somebody else's would change what the broker writes. */
import { DatabaseSync } from 'node:sqlite'
import { migrate } from './migrations.ts'
import { kyselyOver, queryCache } from './node-sqlite.ts'
import type { Statements, StoredRow } from './statements.ts'

/** What SQLite's own `ANALYZE` makes tells the planner something, and nobody else. */
const parts =
  "select type, name, tbl_name, sql from sqlite_master where name not like 'sqlite\\_stat%' escape '\\'"

let expected: Promise<Map<string, string>> | undefined

/** What is there that should not be, or the other way round, by name. */
export async function sqliteSchemaFaults(statements: Statements): Promise<string[]> {
  const wanted = await (expected ??= migratedSchema())
  const found = schemaOf(await statements.all(parts))
  return [
    ...[...found.keys()]
      .filter((name) => !wanted.has(name))
      .map((name) => `there is ${name}, which is not Mayfly's`),
    ...[...wanted].flatMap(([name, sql]) => {
      const there = found.get(name)
      return there === sql ? [] : [there === undefined ? `${name} is missing` : `${name} was altered`]
    }),
  ]
}

function schemaOf(rows: readonly StoredRow[]): Map<string, string> {
  return new Map(
    rows.map(({ type, name, tbl_name: table, sql }) => {
      // Whichever version of the query builder made them.
      const own = String(table).startsWith('kysely_migration') && type === 'table'
      return [`${String(type)} ${String(name)}`, own ? String(table) : JSON.stringify([table, sql])]
    }),
  )
}

/** As the migrations make it in a new database. */
async function migratedSchema(): Promise<Map<string, string>> {
  using database = new DatabaseSync(':memory:')
  const prepare = queryCache(database)
  await migrate(kyselyOver(database, prepare))
  return schemaOf(prepare(parts).all([]))
}
