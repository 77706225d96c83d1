/** Holding every open task against new rules (invariant I12). */
import type { Lease } from '../leases/lease.ts'
import type { Tx } from '../unit.ts'
import { decideAfresh } from './afresh.ts'
import type { Rules, TaskContext } from './context.ts'
import { endTask, revokeNow } from './end.ts'
import { endOfFenced, fencedTask } from './fenced.ts'
import { identityNow } from './identity.ts'
import { resolveScope } from './scope.ts'
import { type EndReason, openStatuses, type Task } from './task.ts'

/** Tasks decided in one transaction: others wait for it. */
const tasksAtOnce = 50

/** Ends what would no longer be allowed and waits, within limits, for its credentials to die. */
export async function reviewTasks(context: TaskContext, rules: Rules): Promise<void> {
  const all = await context.unit.read((tx) => context.tasks.find(tx, { statuses: openStatuses }))
  const revoked: Promise<void>[] = []
  for (let from = 0; from < all.length; from += tasksAtOnce) {
    const batch = all.slice(from, from + tasksAtOnce)
    const leaving = await context.unit.write(async (tx) => {
      const leases: Lease[] = []
      for (const task of batch) {
        const lapsed = await lapse(context, tx, rules, task)
        if (!lapsed) continue
        leases.push(...(await endTask(context, tx, task, { reason: lapsed, actor: 'broker' })))
      }
      return leases
    })
    // Credentials of the first do not wait for the decision about the last.
    revoked.push(revokeNow(context, leaving))
  }
  await Promise.all(revoked)
}

/** Why the task may not go on, if it may not. */
async function lapse(context: TaskContext, tx: Tx, rules: Rules, task: Task): Promise<EndReason | undefined> {
  const identity = identityNow(rules, task, context.clock.now())
  if ('lapsed' in identity) return identity.lapsed
  // What is fenced off upstream may be given back, and other upstreams asked meanwhile.
  const fenced = await fencedTask(context, tx, rules, task, [])
  if (fenced) return endOfFenced(fenced)
  const details = resolveScope(rules, task)
  if (!details) return 'policy_changed'
  const { decision } = await decideAfresh(context, tx, rules, task, { agent: identity.agent, details })
  const { outcome } = decision
  const stillFine =
    outcome === 'allowed' || (outcome === 'pending_approval' && task.status === 'pending_approval')
  return stillFine ? undefined : 'policy_changed'
}
