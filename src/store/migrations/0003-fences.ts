/** Fences, of which suspensions become a kind, and the session that opened a task. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { suspensionFence } from '../../audit/recorded.ts'
import { ordinal } from './engines.ts'

interface Before {
  suspensions: { agent: string; by: string; reason: string; at: number }
  fences: Record<string, string | number | null>
}

export const fences: Migration = {
  async up(db: Kysely<Before>) {
    await db.schema
      .createTable('fences')
      .addColumn('ordinal', ...ordinal(db))
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('selector', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('agents', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('until', 'bigint')
      .addColumn('row_mac', 'text')
      .execute()
    await db.schema.createIndex('fences_key').on('fences').column('key').execute()
    await db.schema.createIndex('fences_kind').on('fences').column('kind').execute()
    for (const { agent, by, reason, at } of await db.selectFrom('suspensions').selectAll().execute()) {
      const row = {
        id: suspensionFence(agent),
        kind: 'agent',
        selector: JSON.stringify({ agent }),
        key: `agent ${agent}`,
        agents: JSON.stringify([agent]),
        reason,
        by,
        at,
        until: null,
      }
      await db.insertInto('fences').values(row).execute()
    }
    await db.schema.dropTable('suspensions').execute()

    await db.schema.alterTable('tasks').addColumn('session', 'text').execute()
    await db.schema.createIndex('tasks_session').on('tasks').columns(['session', 'status']).execute()
  },
}
