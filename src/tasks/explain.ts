/**
 * What an agent may do here, and what a detail would need: decided as opening a task, or
 * minting in the one that asks, would be, and nothing kept (docs/decisions/0052).
 */
import { type Approaching, fenceRefusal } from '../agents/fence.ts'
import { reviewRefusal } from '../agents/review-date.ts'
import { BrokerError, type Denial } from '../base/errors.ts'
import type { Tx } from '../base/unit.ts'
import { identityOf } from '../identity/principal.ts'
import { sessionOf } from '../identity/session.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { askers, type AskingPolicy } from '../policy/askers.ts'
import { decideInTurns, type Decision, type Facts } from '../policy/decide.ts'
import { type Overview, overview, type Told } from '../policy/overview.ts'
import { type ClassedAction, highest, type Revocation } from '../provider/terms.ts'
import { type ToolDetail, tools } from '../provider/tools.ts'
import { decideAfresh } from './afresh.ts'
import type { Rules, TaskContext } from './context.ts'
import { scopeRefusal } from './credential.ts'
import { askOf, factsOf, type Requested } from './facts.ts'
import { connectionsOf, reopenRefusal } from './fenced.ts'
import { identityNow } from './identity.ts'
import type { StoredTask, Task } from './task.ts'
import { decideIn } from './tool-call.ts'
import { ttlFor } from './ttl.ts'

/** Who asks: a workload with its identity token, which stays good, or an open task. */
export type Asker = { verified: VerifiedToken } | { task: StoredTask }

export interface ExplainRequest {
  asker: Asker
  agent?: string | undefined
  purpose?: string | undefined
  /** RFC 9396, as written; none asks for an overview. */
  authorizationDetails: unknown[]
  /** Seconds. */
  ttl?: number | undefined
  context?: Record<string, string> | undefined
}

export interface Explained {
  agent: string
  owner: string
  /** Seconds that a task opened for it would have. */
  ttl: number
  maxTtl: number
  /** Of all details together; absent where there are none. */
  decision?: Decision
  details: ExplainedDetail[]
  /** Only where no detail was asked for. */
  overview?: Overview
}

export interface ExplainedDetail {
  asked: unknown
  outcome: Decision['outcome']
  /** Whether the task that asks may mint it as it is. */
  inTask: boolean
  class: ClassedAction['class']
  revocation: Revocation
  /** Whose yes it waits for, and which policies want it. */
  approvals: { group: string; policies: AskingPolicy[] }[]
  denials: Denial[]
  /** Of what is denied: what is permitted on the same resources. */
  permits: Told[]
}

/**
 * @throws BrokerError as opening a task does, but for what policy denies; `task_not_active` for a task that is over.
 */
export async function explainTo(
  context: TaskContext,
  rules: Rules,
  request: ExplainRequest,
): Promise<Explained> {
  const resolved = rules.connections.resolveAll(request.authorizationDetails, 'authorization_details')
  return await context.unit.read(async (tx) => {
    const asking = await askingOf(context, tx, rules, request, resolved)
    const { agent, ttl } = asking.requested
    const known = { agent: agent.name, owner: agent.owner, ttl, maxTtl: agent.maxTtl }
    if (resolved.length === 0)
      return { ...known, details: [], overview: overview(rules.policies, agent.name) }
    const { facts } = asking
    const details: ExplainedDetail[] = []
    for (const each of resolved) details.push(await explainDetail(context, tx, rules, asking, each))
    const decision = await decideInTurns(rules.policies, facts, resolved.map(askOf))
    return { ...known, decision: details.every(({ inTask }) => inTask) ? allowed : decision, details }
  })
}

const allowed: Decision = { outcome: 'allowed' }

/** Who asks, as policy would see the task that would be opened. */
interface Asking {
  requested: Requested
  facts: Facts
  task: Task | undefined
}

async function askingOf(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  request: ExplainRequest,
  resolved: readonly ResolvedDetail[],
): Promise<Asking> {
  const { asker } = request
  const standing =
    'task' in asker
      ? await ofTask(context, tx, rules, asker.task, request.agent)
      : { ...ofWorkload(context, rules, asker.verified, request.agent), task: undefined }
  const { agent, principal, owners, task } = standing
  const approaching: Approaching = {
    principal,
    agent: agent.name,
    owners,
    connections: connectionsOf(resolved),
  }
  const fenced = await fenceRefusal(context, tx, approaching)
  if (fenced) throw fenced
  if (!task) {
    const session = sessionOf(principal, rules.issuers.get(principal.iss)?.session)
    const over = await reopenRefusal(context, tx, rules, agent, session)
    if (over) throw over
  }
  const requested: Requested = {
    agent,
    principal,
    purpose: request.purpose ?? task?.purpose ?? '',
    ttl: ttlFor(agent, request.ttl),
    context: request.context ?? {},
    depth: task ? task.depth + 1 : 0,
  }
  const held = await context.leases.lockHeld(tx, {
    agent: agent.name,
    identity: identityOf(principal),
    tasks: task ? await context.tasks.tree(tx, task.root) : [],
  })
  return { requested, facts: factsOf(requested, held), task }
}

function ofWorkload(context: TaskContext, rules: Rules, { principal }: VerifiedToken, named?: string) {
  const agent = rules.agents.choose(principal, named)
  const overdue = reviewRefusal(agent, context.clock.now())
  if (overdue) throw overdue
  return { agent, principal, owners: [agent.owner] }
}

async function ofTask(context: TaskContext, tx: Tx, rules: Rules, { id }: StoredTask, named?: string) {
  const now = context.clock.now()
  const task = await context.tasks.get(tx, id)
  if (!task || task.status !== 'active' || task.expiresAt <= now || 'damaged' in task)
    throw new BrokerError('task_not_active', 'the task is not active')
  if (named !== undefined && named !== task.agent)
    throw new BrokerError('invalid_request', `agent: this task is ${task.agent}'s`)
  const identity = identityNow(rules, task, now)
  if ('lapsed' in identity) throw identity.refusal
  const { agent } = identity
  return { agent, principal: task.principal, owners: [task.owner, agent.owner], task }
}

async function explainDetail(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, facts, task }: Asking,
  resolved: ResolvedDetail,
): Promise<ExplainedDetail> {
  const { policies } = rules
  const ask = askOf(resolved)
  const about = {
    asked: resolved.asked,
    class: highest(ask.requests),
    revocation: ask.revocation,
    approvals: [],
    denials: [],
    permits: [],
  }
  const { agent } = requested
  if (task && resolved.entry.provider.type === tools.type) {
    // A tool is called by who may, whatever the task was opened for.
    const { name, resource } = resolved.detail as ToolDetail
    const call = { name, resource, words: requested.context }
    const now = await decideIn(context, tx, rules, { task, agent }, call)
    if (now.outcome === 'allowed') return { ...about, outcome: 'allowed', inTask: true }
  } else if (task && !scopeRefusal(task, resolved)) {
    const claims = { ...requested.context, ...task.context }
    const { decision } = await decideAfresh(context, tx, rules, task, { agent, details: [resolved], claims })
    if (decision.outcome === 'allowed') return { ...about, outcome: 'allowed', inTask: true }
  }
  const decision = await decideInTurns(policies, facts, [ask])
  const { outcome } = decision
  if (outcome === 'allowed') return { ...about, outcome, inTask: false }
  if (outcome === 'pending_approval') {
    const asking = await askers(policies, facts, [ask])
    const approvals = decision.approvals.map((group) => ({ group, policies: asking.get(group) ?? [] }))
    return { ...about, outcome, inTask: false, approvals }
  }
  const resources = new Map(ask.requests.map(({ resource }) => [`${resource.type} ${resource.id}`, resource]))
  const vocabulary = resolved.entry.provider
  const permits = [...resources.values()].flatMap(
    (resource) => overview(policies, agent.name, { vocabulary, resource }).permits,
  )
  return {
    ...about,
    outcome,
    inTask: false,
    denials: decision.denials,
    permits: [...new Map(permits.map((told) => [told.id, told])).values()],
  }
}
