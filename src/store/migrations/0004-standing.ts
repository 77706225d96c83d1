/** Until when each lease stands upstream, which may be longer than its credential lives; standing and slots are of all connections together. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const standing: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('leases').addColumn('stands_until', 'bigint').execute()
    await sql`update leases set stands_until = upstream_expires_at`.execute(db)
    await db.schema.dropIndex('leases_slot').execute()
    await db.schema.dropIndex('leases_standing').execute()
    await db.schema
      .createIndex('leases_slot')
      .on('leases')
      .columns(['slot', 'agent', 'stands_until'])
      .where(sql.ref('slot'), 'is not', null)
      .execute()
    await db.schema
      .createIndex('leases_standing')
      .on('leases')
      .columns(['provider', 'stands_until'])
      .where(sql.ref('handle'), 'is not', null)
      .execute()
  },
}
