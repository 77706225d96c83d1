/** Holding every open task against new rules (invariant I12). */
import type { Lease } from '../leases/lease.ts'
import { decide } from '../policy/decide.ts'
import type { Tx } from '../unit.ts'
import type { Rules, TaskContext } from './context.ts'
import { grantedGroups } from './digest.ts'
import { endTask, settle } from './end.ts'
import { askOf, factsOf } from './facts.ts'
import { resolveScope } from './scope.ts'
import { standing } from './standing.ts'
import { type EndReason, open, type Task } from './task.ts'

/** Tasks decided in one transaction: others wait for it. */
const tasksAtOnce = 50

/** Ends what would no longer be allowed and waits, within limits, for its credentials to die. Returns the ids of what ended. */
export async function reviewTasks(context: TaskContext, rules: Rules): Promise<string[]> {
  const all = await context.unit.read((tx) => context.tasks.find(tx, { statuses: open }))
  const ended: string[] = []
  const settled: Promise<void>[] = []
  for (let from = 0; from < all.length; from += tasksAtOnce) {
    const batch = all.slice(from, from + tasksAtOnce)
    const leaving = await context.unit.write(async (tx) => {
      const leases: Lease[] = []
      for (const task of batch) {
        const lapsed = await lapse(context, tx, rules, task)
        if (!lapsed) continue
        leases.push(...(await endTask(context, tx, task, { reason: lapsed, actor: 'broker' })))
        ended.push(task.id)
      }
      return leases
    })
    // Credentials of the first do not wait for the decision about the last.
    settled.push(settle(context, leaving))
  }
  await Promise.all(settled)
  return ended
}

/** Why the task may not go on, if it may not. */
async function lapse(context: TaskContext, tx: Tx, rules: Rules, task: Task): Promise<EndReason | undefined> {
  const stands = standing(rules, task, context.clock.now())
  if ('lapsed' in stands) return stands.lapsed
  const scope = resolveScope(rules, task)
  if (!scope) return 'policy_changed'
  const granted = grantedGroups(context.seal, task, await context.approvals.ofTask(tx, task.id))
  const held = await context.leases.held(tx, task.agent, await context.tasks.tree(tx, task.root))
  const facts = factsOf({ ...task, agent: stands.agent }, held, granted)
  const { outcome } = decide(rules.policies, facts, scope.map(askOf))
  const stillFine =
    outcome === 'allowed' || (outcome === 'pending_approval' && task.status === 'pending_approval')
  return stillFine ? undefined : 'policy_changed'
}
