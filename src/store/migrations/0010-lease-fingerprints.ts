/** An index of leases by fingerprint, to find whose credential one is. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const leaseFingerprints: Migration = {
  async up(db) {
    await db.schema
      .createIndex('leases_fingerprint')
      .on('leases')
      .column('fingerprint')
      .where(sql.ref('fingerprint'), 'is not', null)
      .execute()
  },
}
