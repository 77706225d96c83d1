/**
 * The statistics by which the server plans its queries. A broker has them taken, in its turn: what the server does on its
 * own cannot be told from somebody else's writing (docs/decisions/0071).
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { GroupWriter } from './group-writer.ts'
import { ownSchema } from './postgres-dialect.ts'
import { sealedTables } from './sealed-tables.ts'

/** Milliseconds between two looks at which statistics are out of date. */
const everyMs = 60_000
/** Milliseconds for which a table is left alone of which they could not be taken. */
const failedPauseMs = 60 * 60_000

/** Tables of which as much has changed as the server waits for by default. A schema may hold others' tables too. */
const outdated = `select relname as name from pg_stat_user_tables join pg_class using (relname)
  where schemaname = current_schema() and relnamespace = ${ownSchema}
    and relname in (${[...sealedTables, 'audit_events', 'audit_head'].map((name) => `'${name}'`).join()})
    and n_mod_since_analyze > 50 + greatest(reltuples, 0) / 10
  order by n_mod_since_analyze desc`

/**
 * Others wait for it: 3,000 rows of a table are looked at, which is enough for columns that tell rows apart or hold few
 * values, and the server gives up before the others do.
 */
const briefly =
  "select set_config('default_statistics_target', '10', true), set_config('statement_timeout', '3s', true)"

/**
 * To be called every second or so: looks once a minute which are out of date, and has those of one table taken each time,
 * for a broker must not be kept long from saying that it is there.
 */
export function statistics(
  clock: Pick<Clock, 'now'>,
  log: Log,
): (writer: Pick<GroupWriter, 'inOwnTurn'>) => Promise<void> {
  // At once: a store that was restored, or copied, has none.
  let nextLook = clock.now()
  /** By table: when its statistics may be taken again, milliseconds since 1970. */
  const again = new Map<string, number>()
  return async (writer) => {
    if (clock.now() < nextLook) return
    let table: string | undefined
    try {
      await writer.inOwnTurn(async (statements) => {
        // Asked in the turn: another broker may have done it in the one before.
        const names = (await statements.all(outdated)).map(({ name }) => String(name))
        table = names.find((name) => (again.get(name) ?? 0) <= clock.now())
        if (table === undefined) return
        again.set(table, clock.now() + everyMs / 2)
        await statements.run(briefly)
        // One that is being vacuumed is passed over.
        await statements.run(`analyze (skip_locked) "${table}"`)
      })
    } catch (error) {
      if (table === undefined) throw error
      again.set(table, clock.now() + failedPauseMs)
      log.warn(
        { err: error, table },
        'the statistics of a table could not be taken, so queries may become slow; it is tried again in an hour. `ANALYZE` may be run by hand meanwhile',
      )
    }
    if (table === undefined) nextLook = clock.now() + everyMs
  }
}
