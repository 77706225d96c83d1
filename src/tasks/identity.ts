/** Whether a task could still be opened today, as far as its identity goes (invariant I12). */
import type { Agent } from '../agents/agent.ts'
import { reviewRefusal } from '../agents/review-date.ts'
import { matches } from '../agents/match.ts'
import { BrokerError } from '../base/errors.ts'
import type { Rules } from './context.ts'
import type { EndReason, Task } from './task.ts'

/** The agent as it is now configured, or why the task may not go on. */
export type IdentityNow = { agent: Agent } | { lapsed: EndReason; refusal: BrokerError }

/** Holds the task's recorded principal against the rules in force. `now` in milliseconds since 1970. */
export function identityNow(rules: Rules, task: Task, now: number): IdentityNow {
  const { principal } = task
  if (rules.issuers.get(principal.iss)?.name !== principal.issuer)
    return lapse('policy_changed', new BrokerError('invalid_token', 'the issuer is no longer trusted'))
  const agent = rules.agents.get(task.agent)
  if (!agent || !agent.match.some((rule) => matches(rule, principal)))
    return lapse(
      'policy_changed',
      new BrokerError('unknown_agent', 'this identity no longer matches its agent'),
    )
  const overdue = reviewRefusal(agent, now)
  return overdue ? lapse('agent_expired', overdue) : { agent }
}

function lapse(lapsed: EndReason, refusal: BrokerError): IdentityNow {
  return { lapsed, refusal }
}
