/** Which migrations a store has been through, as one text. */
import { sha256 } from '../base/sha256.ts'
import type { Statements } from './statements.ts'

/** SHA-256 of the migrations that were applied, and when. */
export async function appliedMigrations(statements: Statements): Promise<string> {
  const rows = await statements.all('select name, timestamp from kysely_migration order by name')
  const lock = await statements.all('select id, is_locked from kysely_migration_lock')
  return sha256(JSON.stringify([rows, lock]))
}
