/** Tasks that hang off others: how far those bound them, what was delegated, and when one counts as silent. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const trees: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.alterTable('tasks').addColumn('bounded', 'text').execute()
    await db.schema.alterTable('tasks').addColumn('heartbeat', 'integer').execute()
    await db.schema.alterTable('tasks').addColumn('silent_at', 'bigint').execute()
    // Partial: most tasks have no parent, and no heartbeat.
    await db.schema
      .createIndex('tasks_parent')
      .on('tasks')
      .column('parent')
      .where(sql.ref('parent'), 'is not', null)
      .execute()
    await db.schema
      .createIndex('tasks_silent')
      .on('tasks')
      .column('silent_at')
      .where(sql.ref('silent_at'), 'is not', null)
      .execute()
    await db.schema
      .createTable('delegations')
      .addColumn('hash', 'text', (c) => c.primaryKey().notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('task', 'text', (c) => c.notNull().references('tasks.id'))
      .addColumn('agent', 'text', (c) => c.notNull())
      .addColumn('scope', 'text', (c) => c.notNull())
      .addColumn('ttl', 'integer')
      .addColumn('until', 'bigint', (c) => c.notNull())
      .addColumn('used_by', 'text')
      .addColumn('row_mac', 'text')
      .execute()
    await db.schema.createIndex('delegations_until').on('delegations').column('until').execute()
  },
}
