/** What a task looks like now, with its leases and approvals. */
import { withinLimit } from '../base/clock.ts'
import { asRead } from '../base/damage.ts'
import type { StoredLease } from '../leases/lease.ts'
import type { Tx } from '../base/unit.ts'
import type { StoredApproval } from './approval.ts'
import type { TaskContext } from './context.ts'
import { type Act, actOf, ancestorsOf } from './lineage.ts'
import type { StoredTask } from './task.ts'

export interface TaskView {
  task: StoredTask
  leases: StoredLease[]
  approvals: StoredApproval[]
  /** Who acts for whom; absent for a task of its own. */
  act?: Act | undefined
}

/** A task that a request has got, new or not, and its token: the only time that it is seen. */
export interface GrantedTask extends TaskView {
  token: string
}

export async function readTask(context: TaskContext, id: string): Promise<TaskView> {
  return await context.unit.read(async (tx) => {
    const [task, hung] = await Promise.all([context.tasks.get(tx, id), hungOff(context, tx, id)])
    return { task: task!, ...hung, act: await actOn(context, tx, task!) }
  })
}

/**
 * The task once it waits for no approval any more, or as it is after `ms` milliseconds, or
 * when `gone` aborts.
 */
export async function readDecided(
  context: TaskContext,
  id: string,
  { ms, gone }: { ms: number; gone: AbortSignal },
): Promise<TaskView> {
  if (ms === 0) return await readTask(context, id)
  return await withinLimit(context.clock, ms, async (limit) => {
    const signal = AbortSignal.any([limit, gone])
    // Watched before it is read: no change falls in between.
    using watch = context.changes.watch(id)
    for (;;) {
      const view = await readTask(context, id)
      if (view.task.status !== 'pending_approval' || !(await watch.changed(signal))) return view
    }
  })
}

/** As `tx` sees it, which has read `task`. */
export async function viewOf(context: TaskContext, tx: Tx, task: StoredTask): Promise<TaskView> {
  const [hung, act] = await Promise.all([hungOff(context, tx, task.id), actOn(context, tx, task)])
  return { task, ...hung, act }
}

/** Asked together: where each question is a way there and back, nobody waits for one after another. */
async function hungOff({ leases, approvals }: TaskContext, tx: Tx, task: string) {
  const [held, asked] = await Promise.all([leases.find(tx, { task }), approvals.ofTask(tx, task)])
  return { leases: held, approvals: asked }
}

async function actOn(context: TaskContext, tx: Tx, task: StoredTask): Promise<Act | undefined> {
  return actOf(task, await ancestorsOf(context, tx, asRead(task)))
}
