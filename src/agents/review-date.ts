/** Review dates: an agent nobody has looked at for too long stops working. */
import { BrokerError } from '../base/errors.ts'
import type { Agent } from './agent.ts'

const day = 24 * 3600 * 1000

/** Whether the agent's review date has not passed. `now` in milliseconds since 1970; days are UTC's. */
export function isReviewed(agent: Agent, now: number): boolean {
  return now < Date.parse(agent.reviewBy) + day
}

/** `agent_expired` from the day after the review date. */
export function reviewRefusal(agent: Agent, now: number): BrokerError | undefined {
  if (isReviewed(agent, now)) return undefined
  return new BrokerError('agent_expired', `agent ${agent.name} was to be reviewed by ${agent.reviewBy}`)
}
