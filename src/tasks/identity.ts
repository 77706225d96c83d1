/** Whether a task could still be opened today, as far as its identity goes (invariant I12). */
import { reviewRefusal } from '../agents/review-date.ts'
import { matches } from '../agents/match.ts'
import { ownerFor } from '../agents/owner.ts'
import { asOwned, type OwnedAgent } from '../agents/registry.ts'
import { BrokerError } from '../base/errors.ts'
import type { Rules } from './context.ts'
import type { EndReason, Task } from './task.ts'

/** The agent as it is now configured and whoever answers for it now, or why the task may not go on. */
export type IdentityNow = { agent: OwnedAgent } | { lapsed: EndReason; refusal: BrokerError }

/** Holds the task's recorded principal against the rules in force. `now` in milliseconds since 1970. */
export function identityNow(rules: Rules, task: Task, now: number): IdentityNow {
  const { principal } = task
  if (rules.issuers.get(principal.iss)?.name !== principal.issuer)
    return lapse('policy_changed', new BrokerError('invalid_token', 'the issuer is no longer trusted'))
  const agent = rules.agents.get(task.agent)
  // What was opened for another agent has the identity of the task that bounds it.
  const isWho = task.bounded === 'attenuated' || agent?.match.some((rule) => matches(rule, principal))
  if (!agent || !isWho)
    return lapse(
      'policy_changed',
      new BrokerError('unknown_agent', 'this identity no longer matches its agent'),
    )
  const overdue = reviewRefusal(agent, now)
  if (overdue) return lapse('agent_expired', overdue)
  const owned = asOwned(agent, principal)
  return 'refused' in owned ? lapse('policy_changed', owned.refused) : owned
}

/** Whoever answered for the task when it was opened, and whoever does by the rules in force. */
export function ownersOf(
  { agents }: Pick<Rules, 'agents'>,
  { agent, owner, principal }: Pick<Task, 'agent' | 'owner' | 'principal'>,
): string[] {
  const configured = agents.get(agent)
  return [owner, (configured && ownerFor(configured.owner, principal)) ?? owner]
}

function lapse(lapsed: EndReason, refusal: BrokerError): IdentityNow {
  return { lapsed, refusal }
}
