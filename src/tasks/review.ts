/** Holding every open task against new rules (invariant I12). */
import { asRead } from '../base/damage.ts'
import { breathe } from '../base/turns.ts'
import type { StoredLease } from '../leases/lease.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import { classes } from '../provider/terms.ts'
import type { Rules, TaskContext } from './context.ts'
import { endTask } from './end.ts'
import { Lapses } from './lapse.ts'
import { type OpenCursor, openStatuses } from './task.ts'

/** Tasks looked at in one turn of the event loop. */
const tasksAtOnce = 50
/** Tasks and leases that one transaction ends, a little more with the last task: others wait for it, and each commit has its price. */
const endsAtOnce = 100
/** Ends between two turns of the event loop. */
const endsPerTurn = 10
/** Such transactions that wait for their turn: beside all that is put on record of credentials that die, one would hardly have it. */
const stepsAtOnce = 2

/**
 * Ends what would no longer be allowed and waits, within limits, for its credentials to die.
 * First go those that are told without asking policy, whose agent, issuer or connection is gone,
 * while the others are still looked at; then those others, by the authority that they have. When
 * `rules` gives others meanwhile, whoever put those in force reviews by them.
 */
export async function reviewTasks(context: TaskContext, rules: () => Rules): Promise<void> {
  const under = rules()
  const lapses = new Lapses(context, under)
  const revoked: Promise<void>[] = []
  const lapsed = Array.from({ length: classes.length + 2 }, (): string[] => [])
  const gone = lapsed.at(-1)!
  let cursor: OpenCursor | undefined
  do {
    for (const { id, rank } of await look()) lapsed[rank + 1]!.push(id)
    if (gone.length >= endsAtOnce * stepsAtOnce) await endAll(gone)
    if (rules() !== under) return
  } while (cursor)
  for (const ids of lapsed.toReversed()) await endAll(ids)
  await Promise.all(revoked)

  /** Those of the next open tasks that have lapsed. */
  async function look(): Promise<{ id: string; rank: number }[]> {
    await breathe()
    return await context.unit.read(async (tx) => {
      const page = await context.tasks.openAfter(tx, cursor, tasksAtOnce)
      cursor = page.next
      const standingOf = lapses.within(tx)
      const found: { id: string; rank: number }[] = []
      for (const task of page.tasks.map(asRead)) {
        const { lapsed: reason, rank } = await standingOf(task)
        if (reason) found.push({ id: task.id, rank })
      }
      return found
    })
  }

  /** Empties `ids`, unless the rules are others by now. */
  async function endAll(ids: string[]): Promise<void> {
    const some = async () => {
      while (ids.length > 0 && rules() === under) {
        const { leaving, left } = await end(context, lapses, ids.splice(0, endsAtOnce))
        ids.unshift(...left)
        // Credentials of the first do not wait for the end of the last.
        revoked.push(revokeNow(context, leaving))
      }
    }
    await Promise.all(Array.from({ length: stepsAtOnce }, some))
  }
}

/** Ends those that still have lapsed; gives what is to be revoked of them, and whom it has not come to. */
async function end(
  context: TaskContext,
  lapses: Lapses,
  ids: readonly string[],
): Promise<{ leaving: StoredLease[]; left: readonly string[] }> {
  return await context.unit.write(async (tx) => {
    const leaving: StoredLease[] = []
    for (const [at, id] of ids.entries()) {
      if (at + leaving.length >= endsAtOnce) return { leaving, left: ids.slice(at) }
      const stored = await context.tasks.get(tx, id)
      // What a damaged one says is held against the rules like the rest: all that can come of it is its end.
      const task = stored && asRead(stored)
      if (!task || !(openStatuses as readonly string[]).includes(task.status)) continue
      const { lapsed: reason } = await lapses.within(tx)(task)
      if (reason) leaving.push(...(await endTask(context, tx, task, { reason, actor: 'broker' })))
      if (at % endsPerTurn === endsPerTurn - 1) await breathe()
    }
    return { leaving, left: [] }
  })
}
