/** Moves the clock forward, at the start, to where the last broker left it (docs/decisions/0002). */
import type { LeadingClock } from '../base/clock.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'

/**
 * Moves `clock` forward to the newest event on record where it shows less and
 * something is open: a clock set back while no broker ran would let that live
 * longer by as much (invariant I3). With nothing open the clock is right as it
 * is, so a time recorded by a clock that was far ahead binds nobody for ever.
 */
export async function keepTime(context: TaskContext, clock: LeadingClock): Promise<void> {
  const { unit, log } = context
  const reached = await unit.read(async (tx) =>
    (await anythingOpen(context, tx)) ? await newestTime(context, tx) : undefined,
  )
  const shown = clock.now()
  if (reached === undefined || reached <= shown) return
  clock.notBefore(reached)
  log.warn(
    { clock: isoTime(shown), record: isoTime(reached) },
    'the clock shows less than the record does, so time goes on from the record while something is open; ' +
      'if it is the record that is ahead, end everything with `mayfly admin revoke --offline --all --reason TEXT` and start again',
  )
}

async function anythingOpen({ tasks, leases }: TaskContext, tx: Tx): Promise<boolean> {
  if ((await tasks.nextDue(tx, -Infinity)) !== undefined) return true
  // What a damaged row says of itself is not to be relied on, and it is never over.
  for await (const found of leases.unsettledKinds(tx)) if (found.length > 0) return true
  return false
}

/** Of an event that the chain vouches for: an altered one must not set the clock. */
async function newestTime({ audit }: TaskContext, tx: Tx): Promise<number | undefined> {
  const { items } = await audit.list(tx, {}, { limit: 1 })
  return items.find(({ damaged }) => damaged === undefined)?.at
}
