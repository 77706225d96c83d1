/** Force: an admin ends tasks and takes credentials away. */
import type { Actor } from '../audit/event.ts'
import { newId } from '../id.ts'
import { type Lease, type LeaseFilter, unfinishedStatuses } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import type { TaskContext } from '../tasks/context.ts'
import { endTask, revokeNow } from '../tasks/end.ts'
import { openStatuses, type TaskFilter } from '../tasks/task.ts'

/** What to revoke: exactly one member. */
export type Selector =
  | { task: string }
  | { lease: string }
  | { agent: string }
  | { owner: string }
  /** A provider's type, or `TYPE/CONNECTION`. */
  | { provider: string }
  /** An issuer's configured name. */
  | { issuer: string }
  | { all: true }

export interface RevocationOrder {
  selector: Selector
  /** The admin's own words. */
  reason: string
  actor: Actor
}

export interface RevocationReport {
  id: string
  /** Ids of the tasks that this ended. */
  tasks: string[]
  /** The leases that the selector means and that were not over, as they are now. */
  leases: Lease[]
}

/**
 * Ends what the selector means and waits, within limits, for upstream to confirm.
 * Selecting by lease or provider leaves the tasks themselves running.
 */
export async function revokeBySelector(
  context: TaskContext,
  order: RevocationOrder,
): Promise<RevocationReport> {
  const { unit, tasks, leases, audit, clock } = context
  const { selector, reason, actor } = order
  const id = newId('rev')
  const cause = { reason: 'revoked', actor } as const
  const ordered = await unit.write(async (tx) => {
    audit.record(tx, { at: clock.now(), type: 'revocation.ordered', actor, data: { id, selector, reason } })
    const matched = await leases.find(tx, {
      ...leasesOf(selector),
      statuses: unfinishedStatuses,
    })
    const leaving: Lease[] = []
    const ended: string[] = []
    const filter = tasksOf(selector)
    for (const task of filter ? await tasks.find(tx, { ...filter, statuses: openStatuses }) : []) {
      leaving.push(...(await endTask(context, tx, task, { ...cause, note: reason })))
      ended.push(task.id)
    }
    // Leases of tasks that had ended before, and those selected by themselves.
    leaving.push(...(await retire(context, tx, leasesOf(selector), cause)))
    return { matched, leaving, ended }
  })
  await revokeNow(context, ordered.leaving)
  const now = await unit.read((tx) => Promise.all(ordered.matched.map((lease) => leases.get(tx, lease.id))))
  return { id, tasks: ordered.ended, leases: now.filter((lease) => lease !== undefined) }
}

function tasksOf(selector: Selector): TaskFilter | undefined {
  if ('task' in selector) return { id: selector.task }
  if ('agent' in selector) return { agent: selector.agent }
  if ('owner' in selector) return { owner: selector.owner }
  if ('issuer' in selector) return { issuer: selector.issuer }
  if ('all' in selector) return {}
  return undefined
}

function leasesOf(selector: Selector): LeaseFilter {
  if ('lease' in selector) return { id: selector.lease }
  if ('provider' in selector) {
    const slash = selector.provider.indexOf('/')
    if (slash < 0) return { provider: selector.provider }
    return { provider: selector.provider.slice(0, slash), connection: selector.provider.slice(slash + 1) }
  }
  if ('all' in selector) return {}
  return selector
}
