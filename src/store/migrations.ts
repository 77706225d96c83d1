/** How the tables came to be. A migration that has been released is never changed. */
import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Schema } from './schema.ts'

const migrations: Record<string, Migration> = {
  '0001-tasks-leases-audit': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('tasks')
        .addColumn('ordinal', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('status', 'text', (c) => c.notNull())
        .addColumn('agent', 'text', (c) => c.notNull())
        .addColumn('owner', 'text', (c) => c.notNull())
        .addColumn('issuer', 'text', (c) => c.notNull())
        .addColumn('principal', 'text', (c) => c.notNull())
        .addColumn('purpose', 'text', (c) => c.notNull())
        .addColumn('scope', 'text', (c) => c.notNull())
        .addColumn('ttl', 'integer', (c) => c.notNull())
        .addColumn('context', 'text', (c) => c.notNull())
        .addColumn('parent', 'text')
        .addColumn('root', 'text', (c) => c.notNull())
        .addColumn('depth', 'integer', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('expires_at', 'bigint', (c) => c.notNull())
        .addColumn('ended_at', 'bigint')
        .addColumn('end_reason', 'text')
        .addColumn('token_hash', 'text', (c) => c.notNull().unique())
        .execute()
      await db.schema.createIndex('tasks_due').on('tasks').columns(['status', 'expires_at']).execute()
      await db.schema.createIndex('tasks_agent').on('tasks').columns(['agent', 'status']).execute()
      await db.schema.createIndex('tasks_root').on('tasks').column('root').execute()

      await db.schema
        .createTable('approvals')
        .addColumn('ordinal', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('task', 'text', (c) => c.notNull().references('tasks.id'))
        .addColumn('group', 'text', (c) => c.notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('status', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('by', 'text')
        .addColumn('at', 'bigint')
        .addColumn('reason', 'text')
        .addColumn('mac', 'text')
        .addColumn('mac_key', 'text')
        .addUniqueConstraint('approvals_task_group', ['task', 'group'])
        .execute()

      await db.schema
        .createTable('leases')
        .addColumn('ordinal', 'integer', (c) => c.primaryKey().autoIncrement())
        .addColumn('id', 'text', (c) => c.notNull().unique())
        .addColumn('task', 'text', (c) => c.notNull().references('tasks.id'))
        .addColumn('agent', 'text', (c) => c.notNull())
        .addColumn('owner', 'text', (c) => c.notNull())
        .addColumn('issuer', 'text', (c) => c.notNull())
        .addColumn('provider', 'text', (c) => c.notNull())
        .addColumn('connection', 'text', (c) => c.notNull())
        .addColumn('upstream', 'text', (c) => c.notNull())
        .addColumn('slot', 'text')
        .addColumn('status', 'text', (c) => c.notNull())
        .addColumn('detail', 'text', (c) => c.notNull())
        .addColumn('classes', 'text', (c) => c.notNull())
        .addColumn('revocation', 'text', (c) => c.notNull())
        .addColumn('created_at', 'bigint', (c) => c.notNull())
        .addColumn('deadline', 'bigint', (c) => c.notNull())
        .addColumn('upstream_expires_at', 'bigint')
        .addColumn('live_until', 'bigint')
        .addColumn('ended_at', 'bigint')
        .addColumn('fingerprint', 'text')
        .addColumn('evidence', 'text')
        .addColumn('secret_hash', 'text')
        .addColumn('handle', 'text')
        .addColumn('due_at', 'bigint')
        .addColumn('attempts', 'integer', (c) => c.notNull())
        .addColumn('failing_since', 'bigint')
        .execute()
      // Partial indexes: what is over is by far the most, and is never looked for by due date, slot or handle.
      await db.schema
        .createIndex('leases_due')
        .on('leases')
        .column('due_at')
        .where(sql.ref('due_at'), 'is not', null)
        .execute()
      await db.schema.createIndex('leases_task').on('leases').column('task').execute()
      await db.schema.createIndex('leases_state').on('leases').columns(['status', 'agent']).execute()
      await db.schema
        .createIndex('leases_slot')
        .on('leases')
        .columns(['slot', 'upstream_expires_at'])
        .where(sql.ref('slot'), 'is not', null)
        .execute()
      await db.schema
        .createIndex('leases_standing')
        .on('leases')
        .columns(['connection', 'upstream_expires_at'])
        .where(sql.ref('handle'), 'is not', null)
        .execute()
      await db.schema.createIndex('leases_secret').on('leases').column('secret_hash').execute()

      await db.schema
        .createTable('suspensions')
        .addColumn('agent', 'text', (c) => c.primaryKey().notNull())
        .addColumn('by', 'text', (c) => c.notNull())
        .addColumn('reason', 'text', (c) => c.notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('idempotency')
        .addColumn('key', 'text', (c) => c.primaryKey().notNull())
        .addColumn('digest', 'text', (c) => c.notNull())
        .addColumn('task', 'text', (c) => c.notNull().references('tasks.id'))
        .addColumn('lease', 'text')
        .addColumn('until', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('idempotency_until').on('idempotency').column('until').execute()

      await db.schema
        .createTable('installation')
        .addColumn('id', 'text', (c) => c.notNull())
        .execute()
      await sql`insert into installation (id) values (${randomBytes(8).toString('hex')})`.execute(db)
      await db.schema
        .createTable('federation_keys')
        .addColumn('kid', 'text', (c) => c.primaryKey().notNull())
        .addColumn('sealed', 'text', (c) => c.notNull())
        .execute()

      await db.schema
        .createTable('used_tokens')
        .addColumn('key', 'text', (c) => c.primaryKey().notNull())
        .addColumn('until', 'bigint', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('used_tokens_until').on('used_tokens').column('until').execute()

      await db.schema
        .createTable('audit_events')
        .addColumn('seq', 'integer', (c) => c.primaryKey().notNull())
        .addColumn('at', 'bigint', (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('actor', 'text', (c) => c.notNull())
        .addColumn('agent', 'text')
        .addColumn('owner', 'text')
        .addColumn('task', 'text')
        .addColumn('lease', 'text')
        .addColumn('status', 'text')
        .addColumn('data', 'text')
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('mac', 'text', (c) => c.notNull())
        .execute()
      await db.schema.createIndex('audit_events_task').on('audit_events').column('task').execute()
      await db.schema.createIndex('audit_events_lease').on('audit_events').column('lease').execute()
      await db.schema
        .createTable('audit_head')
        .addColumn('id', 'integer', (c) => c.primaryKey().notNull())
        .addColumn('seq', 'integer', (c) => c.notNull())
        .addColumn('mac', 'text', (c) => c.notNull())
        .addColumn('key', 'text', (c) => c.notNull())
        .addColumn('head_mac', 'text', (c) => c.notNull())
        .execute()
    },
  },
}

const migrator = (db: Kysely<Schema>) =>
  new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } })

/** @throws Error when the database was written by a newer program: its rules are unknown here. */
async function refuseNewer(db: Kysely<Schema>): Promise<void> {
  const applied = await db
    .selectFrom('kysely_migration' as never)
    .select('name' as never)
    .execute()
    .catch(() => [])
  const unknown = applied.map((row) => (row as { name: string }).name).filter((name) => !(name in migrations))
  if (unknown.length > 0)
    throw new Error(
      `the database was written by a newer version of Mayfly (${unknown.join(', ')}); run that version, or restore a backup`,
    )
}

/** Brings the tables up to date. @throws Error when the database is newer than the program, or a step fails. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  await refuseNewer(db)
  const { error } = await migrator(db).migrateToLatest()
  if (error) throw error instanceof Error ? error : new Error('the database could not be migrated')
}

/** Checks without changing anything. @throws Error unless the tables are exactly this program's. */
export async function requireCurrent(db: Kysely<Schema>): Promise<void> {
  await refuseNewer(db)
  const pending = (await migrator(db).getMigrations()).filter(
    (migration) => migration.executedAt === undefined,
  )
  if (pending.length > 0)
    throw new Error('the database has not been used by this version yet; start the broker first')
}
