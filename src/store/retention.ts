/** Letting go of rows and events whose time is up. */
import { follows } from '../audit/chain.ts'
import type { RetentionStore } from '../tasks/retention.ts'
import { openStatuses } from '../tasks/task.ts'
import type { Tx } from '../base/unit.ts'
import { anchor, putAnchor } from './anchor.ts'
import { eventsBehind } from './audit.ts'
import { isAmong } from './columns.ts'
import type { Schema } from './schema.ts'
import { bound, rowsIn } from './transaction.ts'
import type { Selectable } from 'kysely'

/** Looked at in one transaction: everybody else's work waits for it. */
const tasksAtOnce = 40
const eventsAtOnce = 250

/** What hangs on the task; undefined where something of it is to be kept. */
async function whole(tx: Tx, task: Selectable<Schema['tasks']>, before: number) {
  const rows = rowsIn(tx)
  const isPast = (at: number | null) => at !== null && at < before
  if (isAmong(openStatuses, task.status) || !isPast(task.ended_at)) return undefined
  if (!rows.isGenuine('tasks', task)) return undefined
  const leases = await rows.where('leases', 'task = ?', [task.id])
  // With a due date there is something left to do: to end it, or to remind upstream of its end.
  if (!leases.every((lease) => lease.due_at === null && isPast(lease.ended_at))) return undefined
  const approvals = await rows.where('approvals', 'task = ?', [task.id])
  const sound =
    leases.every((lease) => rows.isGenuine('leases', lease)) &&
    approvals.every((approval) => rows.isGenuine('approvals', approval))
  // A request that is repeated still finds it, and so does what it handed on.
  const remembered = await rows.where('idempotency', 'task = ? limit 1', [task.id])
  const handed = await rows.where('delegations', 'task = ? limit 1', [task.id])
  return sound && remembered.length + handed.length === 0 ? { leases, approvals } : undefined
}

export const retention: RetentionStore = {
  async pruneTasks(tx, before, after) {
    const rows = rowsIn(tx)
    const some = await rows.where('tasks', `ordinal > ? order by ordinal limit ${tasksAtOnce}`, [
      after ?? Number.MIN_SAFE_INTEGER,
    ])
    let removed = 0
    for (const task of some) {
      const hung = await whole(tx, task, before)
      if (!hung) continue
      for (const lease of hung.leases) await rows.remove('leases', lease)
      for (const approval of hung.approvals) await rows.remove('approvals', approval)
      await rows.remove('tasks', task)
      removed += 1
    }
    const last = some.at(-1)
    // None that was opened later can have ended before.
    const more = some.length === tasksAtOnce && last !== undefined && last.created_at < before
    return { removed, next: more ? last.ordinal : undefined }
  },

  async pruneEvents(tx, before) {
    const { seal, statements } = bound(tx)
    let end = await anchor(tx)
    let removed = 0
    // The newest stays, whatever its age: the head of the record is its.
    for (const event of (await eventsBehind(tx, end.seq, eventsAtOnce + 1)).slice(0, -1)) {
      if (!follows(seal, end, event)) return { ...(await cut()), fault: end.seq + 1 }
      if (event.at >= before) break
      end = { seq: event.seq, mac: event.mac }
      removed += 1
    }
    return { ...(await cut()), fault: undefined }

    async function cut() {
      if (removed > 0) {
        await statements.run('delete from audit_events where seq <= ?', [end.seq])
        await putAnchor(tx, end)
      }
      return { removed, end }
    }
  },
}
