/** The API request that an event came of. */
import type { Migration } from 'kysely/migration'

export const eventRequests: Migration = {
  async up(db) {
    await db.schema.alterTable('audit_events').addColumn('request', 'text').execute()
  },
}
