/**
 * How the tables came to be, one file a step. A migration that has been released is
 * never changed; the names are applied in their alphabetical order.
 */
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { tasksLeasesAudit } from './migrations/0001-tasks-leases-audit.ts'
import { rowMacs } from './migrations/0002-row-macs.ts'
import { fences } from './migrations/0003-fences.ts'
import { standing } from './migrations/0004-standing.ts'
import { eventRequests } from './migrations/0006-event-requests.ts'
import { leaseIdentities } from './migrations/0008-lease-identities.ts'
import { leaseFingerprints } from './migrations/0010-lease-fingerprints.ts'
import { approvalPolicies } from './migrations/0011-approval-policies.ts'
import { counts } from './migrations/0012-counts.ts'
import { postgres } from './migrations/0013-postgres.ts'
import { leaseKinds } from './migrations/0015-lease-kinds.ts'
import { trees } from './migrations/0016-trees.ts'
import { cursors } from './migrations/0019-cursors.ts'
import { leaseSecrets } from './migrations/0020-lease-secrets.ts'
import { delegationsOfATask } from './migrations/0021-delegations-of-a-task.ts'
import { brokers } from './migrations/0024-brokers.ts'
import { countsByPerson } from './migrations/0025-counts-by-person.ts'
import { countsByDigest } from './migrations/0026-counts-by-digest.ts'
import { statistics } from './migrations/0027-statistics.ts'
import type { Schema } from './schema.ts'

const migrations: Record<string, Migration> = {
  '0001-tasks-leases-audit': tasksLeasesAudit,
  '0002-row-macs': rowMacs,
  '0003-fences': fences,
  '0004-standing': standing,
  '0006-event-requests': eventRequests,
  '0008-lease-identities': leaseIdentities,
  '0010-lease-fingerprints': leaseFingerprints,
  '0011-approval-policies': approvalPolicies,
  '0012-counts': counts,
  '0013-postgres': postgres,
  '0015-lease-kinds': leaseKinds,
  '0016-trees': trees,
  '0019-cursors': cursors,
  '0020-lease-secrets': leaseSecrets,
  '0021-delegations-of-a-task': delegationsOfATask,
  '0024-brokers': brokers,
  '0025-counts-by-person': countsByPerson,
  '0026-counts-by-digest': countsByDigest,
  '0027-statistics': statistics,
}

/** The names of the steps that this database has been through. @throws Error when a newer program wrote it: its rules are unknown here. */
async function applied(db: Kysely<Schema>, schema: string | undefined): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const isThere = tables.some(
    (table) => table.name === 'kysely_migration' && (schema === undefined || table.schema === schema),
  )
  if (!isThere) return []
  const rows = await db
    .selectFrom('kysely_migration' as never)
    .select('name' as never)
    .execute()
  const names = rows.map((row) => (row as { name: string }).name)
  const unknown = names.filter((name) => !(name in migrations))
  if (unknown.length > 0)
    throw new Error(
      `the database was written by a newer version of Mayfly (${unknown.join(', ')}); run that version, or restore a backup`,
    )
  return names
}

/**
 * Brings the tables up to date, in the transaction that is open. Whether anything was done.
 *
 * @throws Error when the database is newer than the program, or a step fails.
 */
export async function migrate(db: Kysely<Schema>, schema?: string): Promise<boolean> {
  await applied(db, schema)
  // What the migrator tells may be that it could not tidy up behind a step that PostgreSQL has refused.
  let refused: unknown
  const steps = Object.entries(migrations).map(([name, step]): [string, Migration] => {
    const up: Migration['up'] = async (database) => {
      try {
        await step.up(database)
      } catch (error) {
        refused = error
        throw error
      }
    }
    return [name, { up }]
  })
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(Object.fromEntries(steps)) },
    // All of it in the transaction that is open, with what is sealed afterwards.
    disableTransactions: true,
    ...(schema !== undefined && { migrationTableSchema: schema }),
  })
  const { error: told, results = [] } = await migrator.migrateToLatest()
  const error = refused ?? told
  if (error) throw error instanceof Error ? error : new Error('the database could not be migrated')
  return results.length > 0
}

/** Whether the tables are exactly this program's. @throws Error when a newer program wrote them. */
export async function isCurrent(db: Kysely<Schema>, schema?: string): Promise<boolean> {
  return (await applied(db, schema)).length === Object.keys(migrations).length
}

/** There are no tables yet. */
export class NoTables extends Error {
  constructor(isFile: boolean) {
    const orCopied =
      ', or it is a copy of the file of a running one, and lacks all that is in its log (`-wal`)'
    super(`no broker has run on this database${isFile ? orCopied : ''}`)
    this.name = 'NoTables'
  }
}

/** Checks without changing anything. @throws NoTables; Error unless the tables are exactly this program's. */
export async function requireCurrent(db: Kysely<Schema>, schema?: string): Promise<void> {
  if ((await applied(db, schema)).length === 0) throw new NoTables(schema === undefined)
  if (!(await isCurrent(db, schema)))
    throw new Error('the database has not been used by this version yet; start the broker first')
}
