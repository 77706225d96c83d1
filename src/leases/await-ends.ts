/** Waits until another broker has ended what it is ending, and ends here what that one leaves (docs/decisions/0041). */
import { atMost, pause } from '../base/clock.ts'
import type { LeaseContext } from './context.ts'
import { isElsewhere, isOver, type Lease, type StoredLease } from './lease.ts'
import type { Revoker } from './revoke.ts'

/**
 * How long the other is left to it, in milliseconds. Where both are well, an end takes less; where
 * one is frozen, or cannot reach upstream, whoever asked for it need not wait for that to be noticed.
 * Should the other have ended it all the same, ending it again does no harm (invariant I5).
 */
const leftToItMs = 3_000
/** Between two looks at the row, in milliseconds; doubled from the one to the other. */
const [firstPauseMs, longestPauseMs] = [20, 320]
/** How long the store may take to answer a look, in milliseconds: ending does not wait for it (invariant I4). */
const answerMs = 1_000

type Context = Pick<LeaseContext, 'unit' | 'leases' | 'clock'> & { revoker: Revoker }

/** Resolves once an attempt has been made to end each of them, there or here, whatever the outcome: the record tells it. */
export async function awaitEnds(context: Context, leases: readonly Lease[]): Promise<void> {
  const { clock, revoker } = context
  const until = clock.now() + leftToItMs
  const here: StoredLease[] = []
  const own: Promise<void>[] = []
  const endHere = (...left: StoredLease[]) => {
    here.push(...left)
    own.push(...left.map((lease) => revoker.revoke(lease)))
  }
  // One after another: all of them are being ended meanwhile, and there may be thousands.
  for (const [at, lease] of leases.entries()) {
    const seen = await seenEnded(context, lease, until)
    if (seen === 'untold') {
      endHere(...leases.slice(at))
      break
    }
    if (seen) endHere(seen)
  }
  await endedFirst(context, here, Promise.all(own))
}

/**
 * Resolves once `own` has, which ends them here, or all of them are seen over before that: whoever took over from the
 * other may be done sooner. This broker, where upstream no longer knows a new credential, does not believe it at once.
 */
async function endedFirst(
  { unit, leases, clock }: Context,
  here: readonly StoredLease[],
  own: Promise<unknown>,
): Promise<void> {
  if (here.length === 0) return
  let isDone = false
  const isOverNow = async (id: string) => {
    const found = await unit.find((tx) => leases.get(tx, id))
    return !found || isOver(found)
  }
  const seenOver = async () => {
    await pause(clock, longestPauseMs)
    for (const { id } of here)
      while (!isDone && !(await isOverNow(id).catch(() => false))) await pause(clock, longestPauseMs)
  }
  await Promise.race([own.finally(() => (isDone = true)), seenOver()])
}

/** Undefined once the other has tried; the lease where that is left to this broker; `untold` where the store does not answer. */
async function seenEnded(
  { unit, leases, clock, revoker }: Context,
  lease: Lease,
  until: number,
): Promise<StoredLease | 'untold' | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    if (revoker.isUnderWay(lease.id)) return lease
    const looking = unit.find((tx) => leases.get(tx, lease.id))
    const looked = await atMost(
      clock,
      answerMs,
      looking.then(
        (found) => ({ found }),
        () => undefined,
      ),
    )
    if (!looked) return 'untold'
    const { found } = looked
    if (!found || isOver(found)) return undefined
    if (!('damaged' in found) && found.attempts > lease.attempts) return undefined
    // Once the other is gone, it is this broker's, or a third's that lives.
    if (!isElsewhere(found) || clock.now() >= until) return found
    await pause(clock, pauseMs)
  }
}
