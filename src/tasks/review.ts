/** Holding every open task against new rules (invariant I12). */
import { breathe, withTurns } from '../base/turns.ts'
import type { Tx } from '../base/unit.ts'
import type { StoredLease } from '../leases/lease.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import { classes } from '../provider/terms.ts'
import type { Rules, TaskContext } from './context.ts'
import { endsPerTurn, endTask } from './end.ts'
import { Lapses, type Standing } from './lapse.ts'
import { Likely } from './likely.ts'
import { type EndReason, type OpenCursor, openStatuses, type Task } from './task.ts'

/** Tasks looked at in one turn of the event loop, and rows that are only gone through. */
const tasksAtOnce = 50
const rowsAtOnce = 250
/** Tasks and leases that one transaction ends, a little more with the last task: others wait for it, and each commit has its price. */
const endsAtOnce = 100
/** Such transactions that wait for their turn: beside all that is put on record of credentials that die, one would hardly have it. */
const stepsAtOnce = 2
/** For how long at most, from the first end on, revoking gives way to the ends: credentials live meanwhile that are to die. */
const givenWayMs = 10_000

/** Some of the open tasks, those behind `cursor`, and what each stands on. */
type Look = (
  tx: Tx,
  cursor: OpenCursor | undefined,
) => Promise<{ seen: { id: string; standing: Standing }[]; next: OpenCursor | undefined }>

/**
 * Ends what would no longer be allowed and waits, within limits, for its credentials to die.
 * First those go that by their rows have most likely lapsed, then what a look at each of the
 * others finds (docs/decisions/0066). Of either, those go first that are told without asking policy, whose agent, issuer
 * or connection is gone, while the others are still looked at; then those others, by the authority that they have. When
 * `rules` gives others meanwhile, whoever put those in force reviews by them.
 */
export async function reviewTasks(context: TaskContext, rules: () => Rules): Promise<void> {
  const under = rules()
  const lapses = new Lapses(context, under)
  const revoked: Promise<void>[] = []
  let givenWayUntil: number | undefined
  /** Tasks for which a transaction has room, as the last has shown. */
  let room = endsPerTurn
  for (const look of [byRows(context, under, lapses), byEach(context, lapses)]) {
    await endWhatLapsed(look)
    if (rules() !== under) return
  }
  // One may say that it is over, of what goes on. Which are altered is known where the store is written.
  const perhaps = await context.unit.write((tx) => context.tasks.altered(tx))
  await endAll(perhaps.map(({ id }) => id))
  await Promise.all(revoked)

  async function endWhatLapsed(look: Look): Promise<void> {
    const lapsed = Array.from({ length: classes.length + 2 }, (): string[] => [])
    const gone = lapsed.at(-1)!
    let cursor: OpenCursor | undefined
    do {
      await breathe()
      const { seen, next } = await context.unit.read((tx) => look(tx, cursor))
      for (const { id, standing } of seen) if (standing.lapsed) lapsed[standing.rank + 1]!.push(id)
      if (gone.length >= endsAtOnce * stepsAtOnce) await endAll(gone)
      if (rules() !== under) return
      cursor = next
    } while (cursor)
    for (const ids of lapsed.toReversed()) await endAll(ids)
  }

  /** Empties `ids`, unless the rules are others by now. */
  async function endAll(ids: string[]): Promise<void> {
    if (ids.length === 0) return
    // Those that were opened one after another stand beside each other in the store: fewer pages are written.
    ids.sort()
    givenWayUntil ??= context.clock.now() + givenWayMs
    const endSome = async () => {
      while (ids.length > 0 && rules() === under) {
        const some = ids.splice(0, room)
        const { leaving, left } = await end(context, lapses, some)
        ids.unshift(...left)
        const done = some.length - left.length
        room = Math.max(1, Math.floor((endsAtOnce * done) / (done + leaving.length)))
        // Credentials of the first do not wait for the end of the last.
        revoked.push(revokeNow(context, leaving))
      }
    }
    const all = () => Promise.all(Array.from({ length: stepsAtOnce }, endSome))
    await context.revoker.giveWay.to(givenWayUntil, all)
  }
}

/** What is likely by what the rows say. */
function byRows({ tasks }: TaskContext, rules: Rules, lapses: Lapses): Look {
  const likely = new Likely({ tasks }, rules, lapses)
  return async (tx, cursor) => {
    const { rows, next } = await tasks.openRowsAfter(tx, cursor, rowsAtOnce)
    const standingOf = likely.within(tx)
    const seen: { id: string; standing: Standing }[] = []
    for (const row of rows) {
      const guessed = standingOf(row)
      // Mostly it is known already.
      const standing = guessed instanceof Promise ? await guessed : guessed
      if (standing?.lapsed) seen.push({ id: String(row.id), standing })
    }
    return { seen, next }
  }
}

/** What is true of each, its row checked. */
function byEach({ tasks }: TaskContext, lapses: Lapses): Look {
  return async (tx, cursor) => {
    const { tasks: page, next } = await tasks.openAfter(tx, cursor, tasksAtOnce)
    const standingOf = lapses.within(tx)
    const ids = page.map(({ id }) => id)
    await tasks.lookUp(tx, ids, 'decide')
    const seen: { id: string; standing: Standing }[] = []
    for (const task of page)
      seen.push({ id: task.id, standing: 'damaged' in task ? altered : await standingOf(task) })
    return { seen, next }
  }
}

/** Of a task that somebody has altered nobody can tell whether it would still be allowed. */
const altered: Standing = { lapsed: 'policy_changed', rank: classes.length }

/** Ends those that still have lapsed; gives what is to be revoked of them, and whom it has not come to. */
async function end(
  context: TaskContext,
  lapses: Lapses,
  ids: readonly string[],
): Promise<{ leaving: StoredLease[]; left: readonly string[] }> {
  const about = ids.flatMap((task) => [{ task, to: 'decide' } as const, { task, to: 'end' } as const])
  return await context.unit.write(
    async (tx) => {
      const leaving: StoredLease[] = []
      let at = 0
      for await (const id of withTurns(ids, endsPerTurn)) {
        if (at + leaving.length >= endsAtOnce) return { leaving, left: ids.slice(at) }
        at += 1
        const task = await context.tasks.get(tx, id)
        if (!task) continue
        const reason = 'damaged' in task ? altered.lapsed : await lapsedNow(tx, task)
        if (reason) leaving.push(...(await endTask(context, tx, task, { reason, actor: 'broker' })))
      }
      return { leaving, left: [] }
    },
    ...about,
  )

  async function lapsedNow(tx: Tx, task: Task): Promise<EndReason | undefined> {
    if (!(openStatuses as readonly string[]).includes(task.status)) return undefined
    return (await lapses.within(tx)(task)).lapsed
  }
}
