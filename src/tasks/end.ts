/** The one way in which a task ends: its state, its leases and the record of it, in one transaction (invariant I3). */
import type { Actor } from '../audit/event.ts'
import { atMost } from '../base/clock.ts'
import type { Lease } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'
import { aboutTask, endStatus, type EndReason, type Task } from './task.ts'

/** Milliseconds that a caller waits for the credentials to be seen dead; what takes longer goes on without it. */
const revokeWithinMs = 10_000

export interface EndCause {
  reason: EndReason
  actor: Actor
  /** An admin's own words. */
  note?: string
}

/**
 * Ends the task, unless it is over already, and retires its leases. Returns the
 * leases that upstream has to be told of after the commit: hand them to `revokeNow`.
 */
export async function endTask(context: TaskContext, tx: Tx, task: Task, cause: EndCause): Promise<Lease[]> {
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
  return await retire(context, tx, { task: task.id }, { reason, actor })
}

/** Revokes and probes what a commit has retired; returns when all is done or the time for it is up. */
export async function revokeNow(context: TaskContext, leases: Lease[]): Promise<void> {
  if (leases.length === 0) return
  const all = Promise.all(leases.map((lease) => context.revoker.revoke(lease)))
  await atMost(context.clock, revokeWithinMs, all)
}
