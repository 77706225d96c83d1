/** Where a task is to hang: off the task whose token opens it, or off the one that delegated (docs/decisions/0047). */
import { type Agents, asOwned, type OwnedAgent } from '../agents/registry.ts'
import type { Agent } from '../agents/agent.ts'
import { BrokerError } from '../base/errors.ts'
import type { Principal } from '../identity/principal.ts'
import type { Session } from '../identity/session.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Tx } from '../base/unit.ts'
import type { Rules, TaskContext } from './context.ts'
import { type Ancestor, boundsRefusal, mostDepth, mostOpenInTree, standingAbove } from './lineage.ts'
import type { Bound, StoredTask, Task } from './task.ts'

export interface Place {
  /** As it was when it was found; whether it still stands is seen where it counts. */
  parent: Task
  /** How far the parent bounds what is opened; absent where the agent asks for a grant of its own. */
  bounded?: Bound
}

/** Who asks for a task in one that is open, and as which agent. */
export interface Within {
  place: Place
  agent: OwnedAgent
  principal: Principal
  session: Session | undefined
}

/**
 * A task in `parent`: for its own agent, decided as if it were opened anew, unless the parent is
 * itself bounded; for another agent within what the parent has. Whoever holds the token of a task
 * that was narrowed for them cannot widen it by opening another.
 *
 * @throws BrokerError `task_not_active`, `unknown_agent`
 */
export function placeIn(
  { agents }: Pick<Rules, 'agents'>,
  parent: StoredTask,
  named: string | undefined,
): Within {
  if ('damaged' in parent) throw new BrokerError('task_not_active', 'the task is not as it was opened')
  const { principal, session } = parent
  const own = (named ?? parent.agent) === parent.agent
  const bounded = own && parent.bounded === undefined ? undefined : ('attenuated' as const)
  const place = { parent, ...(bounded && { bounded }) }
  if (!bounded) return { place, agent: agents.choose(principal, parent.agent), principal, session }
  const owned = asOwned(agentNamed(agents, named ?? parent.agent), principal)
  if ('refused' in owned) throw owned.refused
  return { place, agent: owned.agent, principal, session }
}

/** What others are called is not for a task to try out, however near a name comes. @throws BrokerError `unknown_agent` */
export function agentNamed(agents: Agents, name: string): Agent {
  const agent = agents.get(name)
  if (agent) return agent
  throw new BrokerError('unknown_agent', `agent: there is no agent ${JSON.stringify(name)}`)
}

/**
 * Why nothing may hang there now: an ancestor is over, kept out or no longer who it was, the tree is
 * too deep or too large, or the parent, where it bounds, could not have `details` itself.
 */
export async function placeRefusal(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { parent, bounded }: Place,
  details: readonly ResolvedDetail[],
): Promise<{ refused: BrokerError } | { above: Ancestor[] }> {
  const standing = await standingAbove(context, tx, rules, { parent: parent.id }, details)
  if ('refused' in standing) return standing
  const { above } = standing
  if (above.length > mostDepth)
    return refuse(
      'invalid_request',
      `tasks hang off each other at most ${mostDepth} deep; open this one further up`,
    )
  const beyond = await boundsRefusal(context, tx, rules, { bounded, above }, details)
  return beyond ? { refused: beyond } : { above }
}

/** Why the tree of the parent may not have one more. */
export async function treeRefusal(
  { tasks, clock }: TaskContext,
  tx: Tx,
  { parent }: Place,
): Promise<BrokerError | undefined> {
  const { count, firstEnd } = await tasks.openInTree(tx, parent.root)
  if (count < mostOpenInTree) return undefined
  return new BrokerError(
    'limit_exceeded',
    `${count} tasks hang together with this one and are open, of at most ${mostOpenInTree}; complete those that are done`,
    { retryAfter: Math.max(1, Math.ceil(((firstEnd ?? 0) - clock.now()) / 1000)) },
  )
}

function refuse(code: 'invalid_request', message: string) {
  return { refused: new BrokerError(code, message) }
}
