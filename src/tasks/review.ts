/** Holding every open task against new rules (invariant I12). */
import type { StoredLease } from '../leases/lease.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { classes, classesOf } from '../provider/terms.ts'
import { asRead } from '../base/damage.ts'
import { breathe } from '../base/turns.ts'
import type { Tx } from '../base/unit.ts'
import { sha256 } from '../base/sha256.ts'
import { decidedAlike, decideAfresh } from './afresh.ts'
import type { Rules, TaskContext } from './context.ts'
import { endTask } from './end.ts'
import { endOfFenced, fencedTask } from './fenced.ts'
import { identityNow } from './identity.ts'
import { resolveScope } from './scope.ts'
import { type EndReason, type OpenCursor, openStatuses, type Task } from './task.ts'

/** Tasks looked at in one transaction: others wait for it. */
const tasksAtOnce = 20
/** Kinds of which one is decided ahead of the others: with too many of them nothing would be gained. */
const kindsTried = 1_000

/**
 * Ends what would no longer be allowed and waits, within limits, for its credentials to die.
 * There may be tens of thousands: each is a turn of its own. First go those that are told without
 * asking policy, whose agent, issuer or connection is gone; then the others, those first that are
 * like one that has lapsed, and by the authority that they have. Of those that policy cannot tell
 * apart one is decided. When `rules` gives others meanwhile, whoever put those in force reviews by them.
 */
export async function reviewTasks(context: TaskContext, rules: () => Rules): Promise<void> {
  const under = rules()
  const revoked: Promise<void>[] = []
  const left: Left[] = []
  const { unit, tasks } = context

  let cursor: OpenCursor | undefined
  do {
    const lapsed: string[] = []
    await unit.read(async (tx) => {
      const page = await tasks.openAfter(tx, cursor, tasksAtOnce)
      for (const task of page.tasks.map(asRead)) {
        const standing = await outsidePolicy(context, tx, under, task)
        if ('lapsed' in standing) lapsed.push(task.id)
        else
          left.push({
            id: task.id,
            authority: authorityOf(standing.details),
            ...kindOf(under, task, standing),
          })
        await breathe()
      }
      cursor = page.next
    })
    if (rules() !== under) return
    // Credentials of the first do not wait for the decision about the last.
    revoked.push(revokeNow(context, await end(context, under, lapsed)))
  } while (cursor)

  left.sort((a, b) => b.authority - a.authority)
  const said = await tryKinds(context, under, left)
  left.sort((a, b) => Number(said.get(b.kind) === 'lapsed') - Number(said.get(a.kind) === 'lapsed'))
  // Of a kind that policy cannot tell apart, nobody is asked about the others.
  const known = ({ kind, alike }: Left) => (alike ? said.get(kind) : undefined)
  const open = left.filter((each) => known(each) !== 'stands')
  for (let from = 0; from < open.length; from += tasksAtOnce) {
    const lapsed = await unit.read(async (tx) => {
      const found: string[] = []
      for (const each of open.slice(from, from + tasksAtOnce)) {
        const standing = known(each) ?? (await standingOf(context, tx, under, each.id))
        if (standing === 'lapsed') found.push(each.id)
        await breathe()
      }
      return found
    })
    if (rules() !== under) return
    revoked.push(revokeNow(context, await end(context, under, lapsed)))
  }
  await Promise.all(revoked)
}

/** A task that policy has to be asked about. */
interface Left {
  id: string
  authority: number
  kind: string
  /** Whether policy says the same of all of this kind, and not only mostly. */
  alike: boolean
}

type Standing = 'stands' | 'lapsed'

function kindOf(
  rules: Rules,
  task: Task,
  asked: Parameters<typeof decidedAlike>[2],
): Pick<Left, 'kind' | 'alike'> {
  const { agent, status, scope, principal } = task
  const same = decidedAlike(rules, task, asked)
  // What waits for a yes may go on waiting, and what has had it may not.
  if (same !== undefined) return { kind: sha256(JSON.stringify([status, same])), alike: true }
  return { kind: JSON.stringify([agent, status, principal.issuer, scope]), alike: false }
}

/** What became of the first of each kind. Of one that is not alike that tells only in which order the others are decided. */
async function tryKinds(
  context: TaskContext,
  rules: Rules,
  left: readonly Left[],
): Promise<Map<string, Standing>> {
  const firsts = new Map(left.toReversed().map(({ kind, id }) => [kind, id]))
  const said = new Map<string, Standing>()
  for (const [kind, id] of [...firsts].slice(-kindsTried)) {
    const found = await context.unit.read((tx) => standingOf(context, tx, rules, id))
    // One that is over says nothing of the others.
    if (found !== 'over') said.set(kind, found)
    await breathe()
  }
  return said
}

async function standingOf(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  id: string,
): Promise<Standing | 'over'> {
  const task = await openTask(context, tx, id)
  if (!task) return 'over'
  return (await lapse(context, tx, rules, task)) ? 'lapsed' : 'stands'
}

/** Ends those that still have lapsed, and gives what is to be revoked of them. */
async function end(context: TaskContext, rules: Rules, ids: readonly string[]): Promise<StoredLease[]> {
  if (ids.length === 0) return []
  return await context.unit.write(async (tx) => {
    const leaving: StoredLease[] = []
    for (const id of ids) {
      const task = await openTask(context, tx, id)
      const reason = task && (await lapse(context, tx, rules, task))
      if (reason) leaving.push(...(await endTask(context, tx, task, { reason, actor: 'broker' })))
      await breathe()
    }
    return leaving
  })
}

/** What a damaged one says is held against the rules like the rest: all that can come of it is its end. */
async function openTask({ tasks }: TaskContext, tx: Tx, id: string): Promise<Task | undefined> {
  const stored = await tasks.get(tx, id)
  const task = stored && asRead(stored)
  return task && (openStatuses as readonly string[]).includes(task.status) ? task : undefined
}

/** Why the open task may not go on, if it may not. */
async function lapse(context: TaskContext, tx: Tx, rules: Rules, task: Task): Promise<EndReason | undefined> {
  const standing = await outsidePolicy(context, tx, rules, task)
  if ('lapsed' in standing) return standing.lapsed
  const { decision } = await decideAfresh(context, tx, rules, task, standing)
  const { outcome } = decision
  const stillFine =
    outcome === 'allowed' || (outcome === 'pending_approval' && task.status === 'pending_approval')
  return stillFine ? undefined : 'policy_changed'
}

/** Why the task may not go on whatever policy says, or what to ask policy about. */
async function outsidePolicy(context: TaskContext, tx: Tx, rules: Rules, task: Task) {
  const identity = identityNow(rules, task, context.clock.now())
  if ('lapsed' in identity) return identity
  // What is fenced off upstream may be given back, and other upstreams asked meanwhile.
  const fenced = await fencedTask(context, tx, rules, task, [])
  if (fenced) return { lapsed: endOfFenced(fenced) }
  const details = resolveScope(rules, task)
  return details ? { agent: identity.agent, details } : { lapsed: 'policy_changed' as const }
}

/** The highest class of what the task may mint. */
function authorityOf(details: readonly ResolvedDetail[]): number {
  const held = details.flatMap(({ entry, detail }) => classesOf(entry.terms.requests(detail)))
  return Math.max(-1, ...held.map((each) => classes.indexOf(each)))
}
