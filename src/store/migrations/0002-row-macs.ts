/** A MAC over each row that grants, and what is vouched for with the head of the record. Rows that are there get theirs when the migration is over. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

const tables = [
  'tasks',
  'approvals',
  'leases',
  'suspensions',
  'idempotency',
  'installation',
  'federation_keys',
  'used_tokens',
]

export const rowMacs: Migration = {
  async up(db: Kysely<unknown>) {
    for (const table of tables) await db.schema.alterTable(table).addColumn('row_mac', 'text').execute()
    await db.schema.alterTable('audit_head').addColumn('commits', 'bigint').execute()
    await db.schema.alterTable('audit_head').addColumn('state', 'text').execute()
  },
}
