/** The one way in which a task ends: its state, its leases and the record of it, in one transaction (invariant I3). */
import type { Actor } from '../audit/event.ts'
import { breathe } from '../base/turns.ts'
import type { StoredLease } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'
import { aboutTask, endStatus, type EndReason, type StoredTask } from './task.ts'

/** Ends between two turns of the event loop, where many are ended in one transaction. */
export const endsPerTurn = 10

/**
 * Each of those that are to be ended in one transaction, once what its end looks up is known: that of some at a time
 * is asked for together. Everybody else has a turn in between.
 */
export async function* toEnd<Item>(
  { tasks }: Pick<TaskContext, 'tasks'>,
  tx: Tx,
  items: readonly Item[],
  idOf: (item: Item) => string,
): AsyncGenerator<Item> {
  for (let from = 0; from < items.length; from += endsPerTurn) {
    const some = items.slice(from, from + endsPerTurn)
    await tasks.lookUp(tx, some.map(idOf), 'end')
    yield* some
    await breathe()
  }
}

export interface EndCause {
  reason: EndReason
  actor: Actor
  /** An admin's own words. */
  note?: string
}

/**
 * Ends the task, unless it is over already, and with it all that hangs off it, and retires their
 * leases. Returns the leases that upstream has to be told of after the commit: hand them to `revokeNow`.
 */
export async function endTask(
  context: TaskContext,
  tx: Tx,
  task: StoredTask,
  cause: EndCause,
): Promise<StoredLease[]> {
  const leaving = await endItself(context, tx, task, cause)
  if (!leaving) return []
  // What one hangs off that somebody has altered nobody can tell: it may be this.
  for (const altered of await context.tasks.altered(tx))
    if (altered.id !== task.id)
      leaving.push(...((await endItself(context, tx, altered, parentEnded(cause))) ?? []))
  return leaving
}

const parentEnded = ({ actor }: EndCause): EndCause => ({ reason: 'parent_ended', actor })

/** With what says that it hangs off it. Undefined where it was over, as far as that can be told. */
async function endItself(
  context: TaskContext,
  tx: Tx,
  task: StoredTask,
  cause: EndCause,
): Promise<StoredLease[] | undefined> {
  const { tasks, approvals, audit, clock } = context
  const now = clock.now()
  const { reason, actor, note } = cause
  const status = endStatus[reason]
  const isOpen = await tasks.end(tx, task.id, status, reason, now)
  const isAltered = 'damaged' in task
  // An altered row may say that it is over of what goes on.
  if (!isOpen && !isAltered) return undefined
  if (task.status === 'pending_approval' || isAltered) await approvals.expire(tx, task.id)
  if (isOpen)
    audit.record(tx, {
      at: now,
      type: 'task.ended',
      actor,
      ...aboutTask(task),
      status,
      data: { reason, ...(note !== undefined && { note }) },
    })
  const leaving = await retire(context, tx, { task: task.id }, { reason, actor })
  for (const child of await tasks.openChildren(tx, task.id))
    leaving.push(...((await endItself(context, tx, child, parentEnded(cause))) ?? []))
  return leaving
}
