/** Several brokers on one database: each registers itself, and what is due is one's. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const brokers: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('brokers')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('version', 'text', (c) => c.notNull())
      .addColumn('configuration', 'text', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('seen_at', 'bigint', (c) => c.notNull())
      .addColumn('beats', 'bigint', (c) => c.notNull())
      .addColumn('heir', 'text')
      .addColumn('asked', 'text', (c) => c.notNull())
      .addColumn('row_mac', 'text')
      .execute()
    for (const table of ['tasks', 'leases'])
      await db.schema.alterTable(table).addColumn('broker', 'text').execute()
  },
}
