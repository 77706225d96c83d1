import type { Agent } from '../agents/agent.ts'
import { BrokerError } from '../base/errors.ts'

/** Seconds, when neither the caller nor the agent says less. */
const defaultTtl = 900

/** How long a task of the agent lives, seconds. @throws BrokerError `invalid_request` for longer than it may. */
export function ttlFor(agent: Agent, asked?: number): number {
  const ttl = asked ?? Math.min(defaultTtl, agent.maxTtl)
  if (ttl <= agent.maxTtl) return ttl
  throw new BrokerError(
    'invalid_request',
    `ttl: agent ${agent.name} may have at most ${agent.maxTtl} seconds`,
  )
}
