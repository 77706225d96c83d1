/** What policy says of an open task now, whatever it said before (invariant I12). */
import type { OwnedAgent } from '../agents/registry.ts'
import type { Denial } from '../base/errors.ts'
import { identityOf } from '../identity/principal.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { decideInTurns, type Decision, refusals } from '../policy/decide.ts'
import type { Tx } from '../base/unit.ts'
import { grantedGroups } from './approval-digest.ts'
import type { Rules, TaskContext } from './context.ts'
import { askOf, factsOf } from './facts.ts'
import type { Task } from './task.ts'

interface Afresh {
  decision: Decision
  /** What refuses it as things stand, whoever might yet approve. */
  refusals: () => Promise<Denial[]>
}

/**
 * Decides `details` for the task with what is configured, held and approved at
 * this moment. Its identity comes first: `agent` is what `identityNow` gave.
 */
export async function decideAfresh(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  task: Task,
  asked: {
    agent: OwnedAgent
    details: readonly ResolvedDetail[]
    /** Where more is claimed now than when the task was opened. */
    claims?: Record<string, string>
  },
): Promise<Afresh> {
  const { tasks, leases, approvals, seal } = context
  const { agent, details, claims = task.context } = asked
  const [tree, given] = await Promise.all([tasks.tree(tx, task.root), approvals.ofTask(tx, task.id)])
  const facts = factsOf(
    { ...task, agent, context: claims },
    await leases.lockHeld(tx, {
      ...rules.agents.shareOf(task.agent, task.owner),
      identity: identityOf(task.principal),
      tasks: tree,
    }),
    grantedGroups(seal, task, given),
  )
  const asks = details.map(askOf)
  return {
    decision: await decideInTurns(rules.policies, facts, asks),
    refusals: () => refusals(rules.policies, facts, asks),
  }
}
