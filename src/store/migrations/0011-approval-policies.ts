/** Which policies ask for an approval, and why, as it was when they did. */
import type { Migration } from 'kysely/migration'

export const approvalPolicies: Migration = {
  async up(db) {
    await db.schema.alterTable('approvals').addColumn('policies', 'text').execute()
  },
}
