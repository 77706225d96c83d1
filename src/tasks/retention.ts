/** What has ended is kept for a set time and then removed: rows and events, some at a time (docs/decisions/0046). */
import type { AuditTrail } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Log } from '../base/log.ts'
import { breathe } from '../base/turns.ts'
import type { Tx, Unit } from '../base/unit.ts'

/** Milliseconds. */
export interface Retention {
  /** How long tasks are kept that have ended, and what hung on them. */
  readonly tasks: number
  readonly audit: number
}

/** What a store must do to let go of what has ended. */
export interface RetentionStore {
  /**
   * Removes tasks that had ended before `before`, milliseconds since 1970, with their leases and
   * approvals, of some that stand behind `after` in order of creation; none of which anything is
   * still to be done with, or that somebody has altered. `next` is undefined where there are no more.
   */
  pruneTasks(
    tx: Tx,
    before: number,
    after: number | undefined,
  ): Promise<{ removed: number; next: number | undefined }>
  /**
   * Removes some of the oldest events, as long as they were put on record before `before` and follow
   * each other as they were written; what comes after them is anchored where they end. `fault` is the
   * number of the first that does not: nothing behind it is removed, for it would be hidden with that.
   */
  pruneEvents(
    tx: Tx,
    before: number,
  ): Promise<{ removed: number; end: { seq: number; mac: string }; fault: number | undefined }>
}

interface Context {
  unit: Unit
  audit: AuditTrail
  clock: Clock
  log: Log
}

/** Removes all whose time is up, each step in a transaction of its own and with a turn for everybody else in between. */
export async function prune(context: Context, store: RetentionStore, retention: Retention): Promise<void> {
  const { unit, audit, clock, log } = context
  const now = clock.now()
  const [ended, recorded] = [now - retention.tasks, now - retention.audit]
  const record = (tx: Tx, data: Record<string, unknown>) =>
    audit.record(tx, { at: clock.now(), type: 'retention.applied', actor: 'broker', data })
  for (let after: number | undefined; ; await breathe()) {
    const { next } = await unit.write(async (tx) => {
      const step = await store.pruneTasks(tx, ended, after)
      if (step.removed > 0) record(tx, { tasks: step.removed, ended_before: isoTime(ended) })
      return step
    })
    if (next === undefined) break
    after = next
  }
  for (; ; await breathe()) {
    const { removed, fault } = await unit.write(async (tx) => {
      const step = await store.pruneEvents(tx, recorded)
      if (step.removed > 0)
        record(tx, {
          events: step.removed,
          recorded_before: isoTime(recorded),
          head: `${step.end.seq}:${step.end.mac}`,
        })
      return step
    })
    if (fault !== undefined)
      log.error(
        { seq: fault },
        'the record is not as it was written, or under a seal key that is not configured, and is kept from there on: run `mayfly audit verify`',
      )
    if (removed === 0 || fault !== undefined) break
  }
}
