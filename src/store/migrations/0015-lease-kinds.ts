/**
 * Indexes of leases whose end has failed, to bring them forward without going through all that live. The
 * kinds of leases, and those that are not over, are counted when the migration is over.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export const leaseKinds: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createIndex('leases_failing')
      .on('leases')
      .columns(['provider', 'connection'])
      .where(sql<boolean>`attempts > 0 and due_at is not null`)
      .execute()
    await db.schema.createIndex('idempotency_task').on('idempotency').column('task').execute()
  },
}
