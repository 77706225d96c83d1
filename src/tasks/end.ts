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
  const { tasks, approvals, audit, clock } = context
  const now = clock.now()
  const { reason, actor, note } = cause
  const status = endStatus[reason]
  if (!(await tasks.end(tx, task.id, status, reason, now))) return []
  if (task.status === 'pending_approval') await approvals.expire(tx, task.id)
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
    leaving.push(...(await endTask(context, tx, child, { reason: 'parent_ended', actor })))
  return leaving
}
