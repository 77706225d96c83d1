/**
 * The statistics by which the server plans its queries. A broker has them taken, in its turn: what the server does on its
 * own cannot be told from somebody else's writing (docs/decisions/0071).
 */
import type { Clock } from '../base/clock.ts'
import type { Tending } from './own-store.ts'
import { bound } from './transaction.ts'

/** Milliseconds between two looks at which are out of date. */
const everyMs = 60_000

/** Tables of which as much has changed as the server waits for by default. */
const outdated = `select relname as name from pg_stat_user_tables join pg_class using (relname)
  where schemaname = current_schema() and relnamespace = current_schema()::regnamespace
    and n_mod_since_analyze > 50 + greatest(reltuples, 0) / 10`

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
export function statistics(clock: Pick<Clock, 'now'>): (by: Tending) => Promise<void> {
  let nextLook = clock.now() + everyMs
  let tables: string[] = []
  return async ({ find, alone }) => {
    if (clock.now() >= nextLook) {
      nextLook = clock.now() + everyMs
      const rows = await find(async (tx) => await bound(tx).statements.all(outdated))
      tables = rows.map(({ name }) => String(name))
    }
    const table = tables.shift()
    if (table === undefined) return
    await alone(async (statements) => {
      await statements.run(briefly)
      // One that is being vacuumed has its turn in another minute.
      await statements.run(`analyze (skip_locked) "${table}"`)
    })
  }
}
