/** What PostgreSQL does to the tables on its own takes no number of a transaction any more: that would pass for somebody else's writing (docs/decisions/0071). */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { isPostgres } from './engines.ts'

/** Taking statistics, which a broker has done, and cutting off what is empty at the end of a table. Vacuuming itself takes no number. */
const unnumbered = sql`autovacuum_analyze_threshold = 2147483647, vacuum_truncate = false, toast.vacuum_truncate = false`

/** The schema may hold others' tables too. */
const tables = [
  'fences',
  'installation',
  'federation_keys',
  'idempotency',
  'used_tokens',
  'delegations',
  'counts',
  'cursors',
  'brokers',
  'tasks',
  'leases',
  'approvals',
  'audit_events',
  'audit_head',
]

export const statistics: Migration = {
  async up(db: Kysely<unknown>) {
    if (!isPostgres(db)) return
    for (const name of tables) await sql`alter table ${sql.table(name)} set (${unnumbered})`.execute(db)
  },
}
