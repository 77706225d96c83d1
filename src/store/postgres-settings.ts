/** What a PostgreSQL server has to be for a broker to rely on it. */
import type { Session } from './postgres-session.ts'

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
