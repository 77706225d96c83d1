/** Whether a fence keeps a task out, or an agent's file a session that had its own. */
import type { Agent } from '../agents/agent.ts'
import { type Approaching, fenceRefusal } from '../agents/fence.ts'
import { BrokerError } from '../base/errors.ts'
import type { Session } from '../identity/session.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Tx } from '../base/unit.ts'
import type { Rules, TaskContext } from './context.ts'
import { ownersOf } from './identity.ts'
import type { EndReason, StoredTask, Task } from './task.ts'

/** `agent_suspended` or `fenced` for a task that would mint `details` now; none: for the task as such. */
export async function fencedTask(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  task: Task,
  details: readonly ResolvedDetail[],
): Promise<BrokerError | undefined> {
  const { agent, principal } = task
  const owners = ownersOf(rules, task)
  return await fenceRefusal(context, tx, { principal, agent, owners, connections: connectionsOf(details) })
}

export function connectionsOf(details: readonly ResolvedDetail[]): Approaching['connections'] {
  return details.map(({ entry }) => ({ provider: entry.provider.type, connection: entry.name }))
}

/** Why a task ends that is kept out. */
export function endOfFenced({ code }: BrokerError): EndReason {
  return code === 'agent_suspended' ? 'agent_suspended' : 'revoked'
}

/** Whether the session came with an identity token for it, and not from within a task. */
function isOpening({ parent, bounded }: Task): boolean {
  return parent === null || bounded === 'delegated'
}

/**
 * `fenced` where the agent's file says `reopen: false` and the session has had its task, under
 * this agent or another that says the same. A token that names no session could be any session's.
 */
export async function reopenRefusal(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  agent: Agent,
  session: Session | undefined,
): Promise<BrokerError | undefined> {
  if (agent.reopen) return undefined
  if (!session)
    return new BrokerError(
      'fenced',
      `agent ${agent.name} may not open a second task in one session, and this token names no session`,
    )
  const over = await context.tasks.overOf(tx, session)
  const counts = (task: StoredTask) =>
    'damaged' in task || (isOpening(task) && rules.agents.get(task.agent)?.reopen === false)
  if (!over.some(counts)) return undefined
  return new BrokerError('fenced', 'the task of this session is over, and it may not open another')
}
