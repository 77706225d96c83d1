/** What is asked for when a task is opened, under the rules in force: by whom, as which agent, and where it is to hang. */
import { BrokerError } from '../base/errors.ts'
import { type Session, sessionOf } from '../identity/session.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Rules, TaskContext } from './context.ts'
import { delegatedPlace } from './delegate.ts'
import type { Delegation } from './delegation.ts'
import type { Requested } from './facts.ts'
import type { IdempotencyKey } from './idempotency.ts'
import { outsideOf } from './lineage.ts'
import { placeIn, type Place } from './place.ts'
import { toScopeItem } from './scope.ts'
import type { ScopeItem, StoredTask } from './task.ts'
import { ttlFor } from './ttl.ts'

/** Who opens a task: a workload with its identity token, or whoever holds the token of an open task, which it is to hang off. */
export type Opener =
  | {
      verified: VerifiedToken
      /** The token of what a task has handed on to it. */
      delegation?: string | undefined
    }
  | { parent: StoredTask }

/** What is asked for, its shape already checked. */
export type OpenRequest = Opener & {
  /** Which agent it wants to be, where the identity matches several; in a task, another agent that it is for. */
  agent?: string | undefined
  purpose: string
  /** RFC 9396, as written. */
  authorizationDetails: unknown[]
  /** Seconds. */
  ttl?: number | undefined
  context?: Record<string, string> | undefined
  idempotency?: IdempotencyKey | undefined
  /** Aborts when the client has gone away. */
  gone?: AbortSignal | undefined
  /** Set where the caller has no way of waiting for a human's yes: what needs one is denied, and nobody asked. */
  cannotWait?: true
}

/** A request under the rules in force. */
export interface Asked {
  requested: Requested
  resolved: ResolvedDetail[]
  scope: ScopeItem[]
  session: Session | undefined
  /** Where it is to hang; undefined for a task of its own. */
  place: Place | undefined
  /** What its place was handed on with. */
  delegation: Delegation | undefined
}

/** @throws BrokerError `unknown_agent`, `invalid_request`, `out_of_scope`, `not_found`, `task_not_active` */
export async function prepare(context: TaskContext, rules: Rules, request: OpenRequest): Promise<Asked> {
  const { agent, principal, session, place, delegation } = await openerOf(context, rules, request)
  const ttl = Math.min(ttlFor(agent, request.ttl), delegation?.ttl ?? Infinity)
  const resolved = rules.connections.resolveAll(request.authorizationDetails, 'authorization_details')
  const left = place ? Math.floor((place.parent.expiresAt - context.clock.now()) / 1000) : ttl
  for (const each of resolved) requireOutlasting(Math.min(ttl, left), each)
  const requested = {
    agent,
    principal,
    purpose: request.purpose,
    ttl,
    context: request.context ?? {},
    depth: place ? place.parent.depth + 1 : 0,
  }
  const beyond = delegation && outsideOf(delegation.scope, resolved, 'what was delegated')
  if (beyond) throw beyond
  return { requested, resolved, scope: resolved.map(toScopeItem), session, place, delegation }
}

async function openerOf(
  context: TaskContext,
  rules: Rules,
  request: OpenRequest,
): Promise<Pick<Asked, 'place' | 'session' | 'delegation'> & Pick<Requested, 'agent' | 'principal'>> {
  if ('parent' in request) return { ...placeIn(rules, request.parent, request.agent), delegation: undefined }
  const { principal } = request.verified
  const agent = rules.agents.choose(principal, request.agent)
  const session = sessionOf(principal, rules.issuers.get(principal.iss)?.session)
  const who = { agent, principal, session }
  if (request.delegation === undefined) return { ...who, place: undefined, delegation: undefined }
  return { ...who, ...(await delegatedPlace(context, request.delegation, agent.name)) }
}

/** What only its own expiry ends must not outlive the task (invariant I3). @throws BrokerError `invalid_request` */
function requireOutlasting(ttl: number, { entry, detail }: ResolvedDetail): void {
  const min = entry.terms.minTtl(detail)
  if (ttl < min && entry.terms.revocation(detail) === 'expiry')
    throw new BrokerError(
      'invalid_request',
      `ttl: what ${entry.name} mints lives for ${min} seconds at least and cannot be taken back; the task must last as long`,
    )
}
