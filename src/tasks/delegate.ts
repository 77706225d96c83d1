/**
 * A part of a task handed on to another agent: a token that opens one task, for that agent alone,
 * which comes with an identity of its own (docs/decisions/0048).
 */
import { randomBytes } from 'node:crypto'
import { BrokerError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import { isoTime } from '../base/iso-time.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Rules, TaskContext } from './context.ts'
import type { Delegation } from './delegation.ts'
import { reasonOf, recordDenial } from './denial.ts'
import { actOf } from './lineage.ts'
import { agentNamed, type Place, placeRefusal } from './place.ts'
import { toScopeItem } from './scope.ts'
import { aboutTask, type StoredTask } from './task.ts'
import { ttlFor } from './ttl.ts'

/** Milliseconds for which one is good. */
const validMs = 300_000

export interface DelegationRequest {
  task: StoredTask
  agent: string
  /** RFC 9396, as written: within the task's. */
  authorizationDetails: unknown[]
  /** Seconds. */
  ttl?: number | undefined
}

/** `token` is shown this once. */
export interface Delegated {
  token: string
  until: number
}

/**
 * Hands a part of the task on. Whether the other agent may have it, policy says when it comes.
 *
 * @throws BrokerError `invalid_request`, `unknown_agent`, `out_of_scope`, and as opening a task in this one.
 */
export async function delegate(
  context: TaskContext,
  rules: Rules,
  request: DelegationRequest,
): Promise<Delegated> {
  const agent = agentNamed(rules.agents, request.agent)
  if (request.ttl !== undefined) ttlFor(agent, request.ttl)
  const resolved = rules.connections.resolveAll(request.authorizationDetails, 'authorization_details')
  const token = `mfd_${randomBytes(32).toString('base64url')}`
  const outcome = await context.unit.write(async (tx) => hand(context, tx, rules, request, resolved, token))
  if ('refused' in outcome) throw outcome.refused
  return outcome
}

async function hand(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { task: { id }, agent, ttl: most }: DelegationRequest,
  resolved: readonly ResolvedDetail[],
  token: string,
): Promise<Delegated | { refused: BrokerError }> {
  const { tasks, delegations, audit, clock } = context
  const task = await tasks.get(tx, id)
  if (!task || 'damaged' in task)
    return { refused: new BrokerError('task_not_active', 'the task is not as it was opened') }
  const standing = await placeRefusal(context, tx, rules, { parent: task, bounded: 'delegated' }, resolved)
  if ('refused' in standing) {
    const asking = { agent: { name: task.agent, owner: task.owner }, task: id }
    const details = resolved.map(({ asked }) => asked)
    recordDenial(context, tx, asking, { delegate: agent, scope: details, ...reasonOf(standing.refused) })
    return standing
  }
  const now = clock.now()
  const ttl = most ?? null
  const scope = resolved.map(toScopeItem)
  const until = Math.min(now + validMs, task.expiresAt)
  const delegation = {
    id: newId('dlg'),
    hash: sha256(token),
    task: id,
    agent,
    scope,
    ttl,
    until,
    usedBy: null,
  }
  await delegations.insert(tx, delegation)
  const above = standing.above.slice(1).map((each) => each.task)
  audit.record(tx, {
    at: now,
    type: 'task.delegated',
    actor: `agent:${task.agent}`,
    ...aboutTask(task),
    data: {
      delegation: delegation.id,
      to: agent,
      scope,
      ttl,
      until: isoTime(until),
      act: actOf(task, above) ?? null,
    },
  })
  return { token, until }
}

const shape = /^mfd_[A-Za-z0-9_-]{43}$/

/**
 * Where it lets the agent open a task. To another agent it is as if there were none.
 *
 * @throws BrokerError `not_found`; `task_not_active`
 */
export async function delegatedPlace(
  context: TaskContext,
  token: string,
  agent: string,
): Promise<{ place: Place; delegation: Delegation }> {
  const { delegations, tasks, unit } = context
  return await unit.read(async (tx) => {
    const delegation = shape.test(token) ? await delegations.get(tx, sha256(token)) : undefined
    if (!delegation || 'damaged' in delegation || delegation.agent !== agent) throw noDelegation()
    const parent = await tasks.get(tx, delegation.task)
    if (!parent || 'damaged' in parent)
      throw new BrokerError('task_not_active', 'the task that has delegated this is not as it was opened')
    return { place: { parent, bounded: 'delegated' }, delegation }
  })
}

/** `token_replayed` where a task was opened with it, `not_found` where its time is over. */
export async function delegationRefusal(
  { delegations, clock }: TaskContext,
  tx: Tx,
  { hash }: Delegation,
): Promise<BrokerError | undefined> {
  const now = await delegations.get(tx, hash)
  if (!now || 'damaged' in now) return noDelegation()
  if (now.usedBy !== null)
    return new BrokerError('token_replayed', 'delegation: it has opened a task before; have another made')
  return now.until <= clock.now() ? noDelegation() : undefined
}

function noDelegation(): BrokerError {
  return new BrokerError(
    'not_found',
    'delegation: there is none such for this agent, or its time is over; have another made',
  )
}
