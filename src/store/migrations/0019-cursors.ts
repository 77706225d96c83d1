/** How far along the record those are who follow it. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const cursors: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('cursors')
      .addColumn('name', 'text', (c) => c.primaryKey().notNull())
      .addColumn('seq', 'bigint', (c) => c.notNull())
      .addColumn('mac', 'text')
      .addColumn('row_mac', 'text')
      .execute()
  },
}
