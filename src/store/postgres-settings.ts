/** What a PostgreSQL server has to be for a broker to rely on it. */
import type { Session } from './postgres-session.ts'
import { sealedTables } from './sealed-tables.ts'

/** The oldest major version that is maintained. */
const oldest = 15

const settings = `select current_setting('server_version_num')::int / 10000 as version,
  current_setting('server_version') as release, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as commits, current_setting('server_encoding') as encoding,
  pg_is_in_recovery() as standby, current_setting('transaction_read_only') as readonly,
  set_config('synchronous_commit', current_setting('synchronous_commit'), false),
  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false)`

/**
 * What is wrong with the server, one sentence. What it says of durability is held for the
 * session; a peer that is gone is noticed by it within half a minute, so that its lock is free.
 */
export async function obstacleIn(session: Session): Promise<string | undefined> {
  const [row] = await session.script(settings)
  const { version, release, fsync, commits, encoding, standby, readonly } = row as Record<string, unknown>
  if (Number(version) < oldest)
    return `PostgreSQL ${String(release)} is too old; Mayfly needs ${oldest} or newer`
  // INVARIANT I1: an intent must survive a power cut.
  if (fsync !== 'on') return 'the server has `fsync` off, and loses what it has committed with the power'
  if (commits === 'off')
    return 'the server has `synchronous_commit` off, and loses what it has committed when it crashes'
  if (encoding !== 'UTF8') return `the database is in ${String(encoding)}; Mayfly needs UTF8`
  if (standby === true) return 'the server is a standby, which takes no writes'
  if (readonly === 'on')
    return 'the database takes no writes: reset `default_transaction_read_only` of the server, the database and the user'
  return undefined
}

/** Why tables cannot be made or changed there, one sentence: since PostgreSQL 15, whoever does not own the database may make none in `public`. */
export async function obstacleToTables(session: Session): Promise<string | undefined> {
  const { schema } = session.connection
  const [row] = await session.all(`select has_schema_privilege($1, 'CREATE') as may`, [schema])
  if (row!['may'] === true) return undefined
  return `its user may not make tables in the schema ${schema}: make it the owner of the database, or grant it CREATE there`
}

/** What stands where a new store's tables belong, one sentence. */
export async function tablesInTheWay(session: Session): Promise<string | undefined> {
  const { schema } = session.connection
  const rows = await session.all(
    `select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = $1 and relname = any(string_to_array($2, ',')) order by relname`,
    [schema, ['kysely_migration', 'audit_events', 'audit_head', ...sealedTables].join()],
  )
  const names = rows.map(({ name }) => String(name))
  if (names.length === 0 || names.includes('kysely_migration')) return undefined
  return `the schema ${schema} has what is no store of Mayfly's: ${names.join(', ')}`
}
