/**
 * How the tables came to be, one file a step. A migration that has been released is
 * never changed; the names are applied in their alphabetical order.
 */
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { tasksLeasesAudit } from './migrations/0001-tasks-leases-audit.ts'
import { leaseIdentities } from './migrations/0008-lease-identities.ts'
import type { Schema } from './schema.ts'

const migrations: Record<string, Migration> = {
  '0001-tasks-leases-audit': tasksLeasesAudit,
  '0008-lease-identities': leaseIdentities,
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
