/** Leases are found by the hash of their secret only once they have one: before that there is nothing to keep in order. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const leaseSecrets: Migration = {
  async up(db) {
    await db.schema.dropIndex('leases_secret').execute()
    await db.schema
      .createIndex('leases_secret')
      .on('leases')
      .column('secret_hash')
      .where(sql.ref('secret_hash'), 'is not', null)
      .execute()
  },
}
