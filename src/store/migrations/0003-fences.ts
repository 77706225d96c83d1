/** Fences, of which suspensions become a kind, and the session that opened a task. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { fenceKey, fenceMac } from '../../agents/fence.ts'
import { suspensionFence } from '../../audit/recorded.ts'
import type { Seal } from '../../seal.ts'

interface Before {
  suspensions: { agent: string; by: string; reason: string; at: number }
  fences: Record<string, string | number | null>
}

/** `seal` signs what had no MAC before: that it is as it was ordered, the record tells. */
export function fences(seal: Seal): Migration {
  return {
    async up(db: Kysely<Before>) {
      await db.schema
        .createTable('fences')
        .addColumn('ordinal', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('kind', 'text', (c) => c.notNull())
        .addColumn('selector', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('agents', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('by', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('until', 'bigint')
        .addColumn('mac', 'text')
        .addColumn('mac_key', 'text')
        .addColumn('row_mac', 'text')
        .execute()
      await db.schema.createIndex('fences_key').on('fences').column('key').execute()
      await db.schema.createIndex('fences_kind').on('fences').column('kind').execute()
      for (const { agent, by, reason, at } of await db.selectFrom('suspensions').selectAll().execute()) {
        const selector = { agent }
        const fence = { id: suspensionFence(agent), selector, agents: [agent], reason, by, at, until: null }
        const { mac, key } = fenceMac(seal, fence)
        const row = {
          ...fence,
          kind: 'agent',
          selector: JSON.stringify(selector),
          key: fenceKey(selector),
          agents: JSON.stringify([agent]),
          mac,
          mac_key: key,
        }
        await db.insertInto('fences').values(row).execute()
      }
      await db.schema.dropTable('suspensions').execute()

      await db.schema.alterTable('tasks').addColumn('session', 'text').execute()
      await db.schema.createIndex('tasks_session').on('tasks').columns(['session', 'status']).execute()
    },
  }
}
