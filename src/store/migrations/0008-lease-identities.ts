/** Who acts as the agent, on each lease: what one identity holds counts whichever agent it is. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { identityOf } from '../../identity/principal.ts'

interface Before {
  tasks: { id: string; principal: string }
  leases: { task: string; identity: string }
}

export const leaseIdentities: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('leases')
      .addColumn('identity', 'text', (c) => c.notNull().defaultTo(''))
      .execute()
    const tables = db as Kysely<Before>
    for (const { id, principal } of await tables.selectFrom('tasks').select(['id', 'principal']).execute())
      await tables
        .updateTable('leases')
        .set({ identity: identityIn(principal) })
        .where('task', '=', id)
        .execute()
    await db.schema.createIndex('leases_identity').on('leases').columns(['status', 'identity']).execute()
  },
}

/** A row that was spoilt is left to whoever reads it: its leases still count for their agent. */
function identityIn(principal: string): string {
  try {
    return identityOf(JSON.parse(principal))
  } catch {
    return ''
  }
}
