/** What policy is told of a task, read in the transaction that depends on the answer. */
import type { OwnedAgent } from '../agents/registry.ts'
import type { Principal } from '../identity/principal.ts'
import { type DescribedConnection, requestsOf, type ResolvedDetail } from '../leases/connections.ts'
import type { Ask, Facts } from '../policy/decide.ts'
import type { Class } from '../provider/terms.ts'

/** The part of a request that policy sees. */
export interface Requested {
  agent: OwnedAgent
  principal: Principal
  purpose: string
  ttl: number
  context: Record<string, string>
  depth: number
}

/** `approvals`: the groups whose yes stands. */
export function factsOf(requested: Requested, held: Class[], approvals: string[] = []): Facts {
  const { agent, principal, purpose, ttl, context, depth } = requested
  return {
    agent: { name: agent.name, owner: agent.owner, environment: agent.environment },
    principal,
    purpose,
    ttl,
    depth,
    request: context,
    held,
    approvals,
  }
}

/** What the detail asks of policy. */
export function askOf(resolved: ResolvedDetail<DescribedConnection>): Ask {
  const { entry, detail } = resolved
  const { name, terms } = entry
  return { connection: name, revocation: terms.revocation(detail), requests: requestsOf(resolved) }
}
