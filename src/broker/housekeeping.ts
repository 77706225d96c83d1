/** Periodic work of a running broker: failures and explanations summed up, old keys forgotten, upstreams kept up, the store watched. */
import type { Clock, Timer } from '../base/clock.ts'
import type { Exclusive } from '../base/exclusive.ts'
import { untilNone } from '../base/unit.ts'
import { textOf } from './heads.ts'
import { maintain } from '../leases/standing.ts'
import type { Log } from '../base/log.ts'
import type { OwnStore } from '../store/own-store.ts'
import type { TaskContext } from '../tasks/context.ts'
import { prune, type Retention, type RetentionStore } from '../tasks/retention.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
/** A token verified in its last second may still be on its way to being used up. */
const usedTokenMarginMs = 5 * minuteMs

/** For so long one that was used, or is too old, is told as such. */
const usedDelegationMs = 60 * minuteMs

/** What is counted, and goes on record as a sum. */
interface Counter {
  summarise(context: TaskContext): Promise<void>
}

/**
 * Has the counters sum up, forgets what nobody can ask for again and what was kept for its time,
 * keeps upstreams and shows the audit's head, until cancelled.
 */
export function startHousekeeping(
  context: TaskContext,
  counters: readonly Counter[],
  kept: {
    store: RetentionStore
    retention: () => Retention
    /** For what one of several brokers does for all. */
    exclusive: Exclusive
  },
): Timer {
  const { unit, usedTokens, delegations, idempotency, clock, log } = context
  return every(minuteMs, clock, log, async () => {
    for (const counter of counters) await counter.summarise(context)
    await kept.exclusive('housekeeping', async () => {
      await untilNone(unit, (tx) => usedTokens.forget(tx, clock.now() - usedTokenMarginMs))
      await untilNone(unit, (tx) => idempotency.forget(tx, clock.now()))
      await untilNone(unit, (tx) => delegations.forget(tx, clock.now() - usedDelegationMs))
      await prune(context, kept.store, kept.retention())
    })
    await maintain(context)
    await logHead(context)
  })
}

/** Where the chain ends, for someone to hold `mayfly audit verify --head` against. */
export async function logHead({ unit, audit, log }: TaskContext): Promise<void> {
  const head = await unit.read((tx) => audit.head(tx))
  if (head) log.info({ head: textOf(head) }, 'audit head')
}

/** Has the store looked through, until cancelled, soon after somebody else has written to it, whether or not the broker writes. */
export function startWatch(store: Pick<OwnStore, 'look'>, clock: Clock, log: Log): Timer {
  return every(secondMs, clock, log, () => store.look())
}

function every(ms: number, clock: Clock, log: Log, work: () => Promise<void>): Timer {
  let cancelled = false
  let timer: Timer
  const arm = () => {
    if (cancelled) return
    timer = clock.after(ms, () => {
      work()
        .catch((error: unknown) =>
          log.error({ err: error }, `housekeeping failed; it is tried again in ${ms / 1000} seconds`),
        )
        .finally(arm)
    })
  }
  arm()
  return {
    cancel() {
      cancelled = true
      timer.cancel()
    },
  }
}
