/** How much is not over, by whom it counts. What there is is counted when the migration is over. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const counts: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('counts')
      .addColumn('key', 'text', (c) => c.primaryKey().notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('row_mac', 'text')
      .execute()
  },
}
