/** A SQLite store brought into a PostgreSQL database, as it is: every row with its MAC, and the whole record. */
import type { Seal } from '../base/seal.ts'
import { placeOf, type PostgresAddress, StoreInUse } from './address.ts'
import { migrate, requireCurrent } from './migrations.ts'
import { openDatabase } from './node-sqlite.ts'
import { asItCameTo } from './postgres.ts'
import { openAlone } from './postgres-presence.ts'
import { writingOver } from './postgres-writing.ts'
import { sealedTables } from './sealed-tables.ts'
import { lockFile } from './sqlite.ts'
import { connectionOver } from './sqlite-connection.ts'
import type { Statements, StoredRow } from './statements.ts'
import { isHeld, takeOver } from './take-over.ts'

/** Tasks before all that refers to them. */
const tables = [
  'tasks',
  ...sealedTables.filter((table) => table !== 'tasks'),
  'audit_events',
  'audit_head',
  'kysely_migration',
] as const

/**
 * Copies all of the SQLite file `from` into the database at `to`, in one transaction. The
 * file stays as it is.
 *
 * @throws StoreInUse when a broker has either; Error when the file is not of this version,
 *   the database is not empty, or cannot be used.
 */
export async function copyStore(from: string, to: PostgresAddress, seal: Seal): Promise<void> {
  using _lock = lockFile(from)
  using database = openDatabase(from, { readOnly: true })
  const source = connectionOver(database)
  await requireCurrent(source.db)
  if (await isHeld(source.statements, seal)) throw new StoreInUse(from, { isByHolder: true })
  const session = await openAlone(to).catch((error: unknown) => {
    throw asItCameTo(error, to)
  })
  const place = placeOf({ kind: 'postgres', ...to })
  if (!session) throw new StoreInUse(place)
  session.patient = true
  const target = writingOver(to, session, openAlone)
  try {
    await target.begin()
    if ((await target.statements.dialect.columns(target.statements, 'kysely_migration')).length > 0)
      throw new Error(`${place} is not empty: a broker has run on it, or a store was copied into it`)
    await migrate(target.db, target.schema)
    await copyRows(source.statements, target.statements, () => session.settled())
    // The head has to vouch for what this engine's schema is, too.
    await takeOver(target, seal, { outside: {} })
    await target.commit()
  } catch (error) {
    await target.rollBack()
    throw asItCameTo(error, to)
  } finally {
    await target.close()
  }
}

async function copyRows(source: Statements, target: Statements, settled: () => Promise<void>): Promise<void> {
  // What the migrations have put there is another installation's.
  for (const table of ['installation', 'kysely_migration']) await target.run(`delete from ${table}`)
  for (const table of tables)
    for await (const rows of source.each(`select * from "${table}"`)) {
      for (const row of rows) await target.run(insertion(table, row), Object.values(row))
      await settled()
    }
}

function insertion(table: string, row: StoredRow): string {
  const columns = Object.keys(row)
  return `insert into "${table}" (${columns.map((column) => `"${column}"`).join()}) values (${columns.map(() => '?').join()})`
}
