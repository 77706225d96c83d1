/** Carries out an admin's order: keeps out, ends tasks and takes credentials away. */
import type { Fence } from '../agents/fence.ts'
import type { Actor } from '../audit/event.ts'
import { BrokerError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import { withTurns } from '../base/turns.ts'
import type { StoredLease } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { TaskContext } from '../tasks/context.ts'
import { type EndCause, endsPerTurn, endTask, toEnd } from '../tasks/end.ts'
import type { Tx } from '../base/unit.ts'
import { raiseFence } from './fences.ts'
import { type Meant, type Registered, select, type Selected, type Selector } from './selector.ts'

export interface RevocationOrder {
  selector: Selector
  /** The admin's own words. */
  reason: string
  actor: Actor
  /** Whether what is ended is also kept out. Undefined: where it is one task, or the session of one. */
  fence?: boolean | undefined
  /** Until when it is kept out, milliseconds since 1970; undefined: until the fence is lifted. */
  until?: number | undefined
}

export interface RevocationReport {
  id: string
  /** Ids of the tasks that this ended. */
  tasks: string[]
  /** The leases that the selector means and that were not over, as they are now. */
  leases: StoredLease[]
  /** What keeps the same from coming back. */
  fence: Fence | undefined
}

/** Whether the order keeps out more than the session of a task: that takes the right to. */
export function isContainment({ selector, fence = false }: Pick<RevocationOrder, 'selector' | 'fence'>) {
  return fence && !meansTask(selector)
}

function meansTask(selector: Selector): boolean {
  return 'task' in selector || ('session' in selector && typeof selector.session === 'string')
}

/**
 * Ends what the selector means and waits, within limits, for its credentials to be seen dead.
 * Selecting by lease or provider leaves the tasks themselves running. The fence stands
 * in the same commit in which tasks end and leases are retired, so that there is no
 * moment at which one who was thrown out could come back, nor one at which a crash
 * would leave only a part of it to be done.
 *
 * @throws BrokerError `not_found` for what is neither configured nor in the store;
 *   `invalid_request` for a fence where nothing can be kept out.
 */
export async function revokeBySelector(
  context: TaskContext,
  registered: Registered,
  order: RevocationOrder,
): Promise<RevocationReport> {
  const { unit, leases, audit, clock, unrecorded } = context
  const { selector, reason, actor } = order
  const id = newId('rev')
  const cause = { reason: 'revoked', actor, note: reason } as const
  const carryOut = async (tx: Tx) => {
    const selected = await select(context, tx, registered, selector)
    audit.record(tx, { at: clock.now(), type: 'revocation.ordered', actor, data: { id, selector, reason } })
    const fence = await keepOut(context, tx, order, selected.fence)
    const { leaving, ended } = await endSelected(context, tx, selected, cause)
    return { matched: selected.leases, leaving, ended, fence }
  }
  const ordered = await unrecorded.carryOut({
    name: `revoke ${JSON.stringify(order)}`,
    work: carryOut,
    leases: async (tx) => (await select(context, tx, registered, selector)).leases,
  })
  await revokeNow(context, ordered.leaving)
  const now = await unit.read((tx) => Promise.all(ordered.matched.map((lease) => leases.get(tx, lease.id))))
  const { ended, fence } = ordered
  return { id, tasks: [...ended], leases: now.filter((lease) => lease !== undefined), fence }
}

/**
 * Ends what was selected. Returns the ids of the tasks, and the leases that upstream has to be
 * told of after the commit: hand them to `revokeNow`.
 */
export async function endSelected(
  context: TaskContext,
  tx: Tx,
  { tasks, leases }: Pick<Selected, 'tasks' | 'leases'>,
  cause: EndCause,
): Promise<{ ended: Set<string>; leaving: StoredLease[] }> {
  const leaving: StoredLease[] = []
  const ended = new Set<string>()
  for await (const task of toEnd(context, tx, tasks, ({ id }) => id)) {
    leaving.push(...(await endTask(context, tx, task, cause)))
    ended.add(task.id)
  }
  // Leases of tasks that had ended before, or whose rows say nothing of them, and those selected by themselves.
  for await (const lease of withTurns(leases, endsPerTurn))
    if (!ended.has(lease.task)) leaving.push(...(await retire(context, tx, { id: lease.id }, cause)))
  return { ended, leaving }
}

async function keepOut(
  context: TaskContext,
  tx: Tx,
  order: RevocationOrder,
  meant: Meant | undefined,
): Promise<Fence | undefined> {
  const { selector, reason, actor, until } = order
  // What a child's session has besides it is left alone.
  const beside = 'task' in selector && meant?.reachesUp === true
  const { fence = meansTask(selector) && !beside } = order
  if (!fence) {
    if (until !== undefined)
      throw new BrokerError('invalid_request', 'until: nothing is kept out; set `fence` as well')
    return undefined
  }
  if ('lease' in selector)
    throw new BrokerError('invalid_request', 'fence: a lease cannot be kept out; name its task')
  if (!meant) return undefined
  const { selector: whom, agents, over } = meant
  return await raiseFence(context, tx, { selector: whom, agents, reason, actor, until: until ?? over })
}
