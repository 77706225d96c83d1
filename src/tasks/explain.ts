/**
 * What an agent may do here, and what a detail would need: decided as opening a task, or
 * minting in the one that asks, would be, and nothing kept (docs/decisions/0052).
 */
import { fenceRefusal } from '../agents/fence.ts'
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
import { type Ancestor, boundsRefusal, standingAbove } from './lineage.ts'
import { placeIn, type Place, placeRefusal } from './place.ts'
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
  /** Who asked: another than `agent` where a task asks about another agent. */
  asker: { agent: string; owner: string }
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
  /** What keeps it out beside the agent's own policies. */
  beyond?: BrokerError
  /** Of what policy denies the agent that asks: what it permits on the same resources. Of another agent that is not told. */
  permits?: Told[]
}

/**
 * @throws BrokerError as opening a task does, but for what policy denies; `task_not_active` for a task that is over;
 *   `invalid_request` for an overview of another agent than the task's.
 */
export async function explainTo(
  context: TaskContext,
  rules: Rules,
  request: ExplainRequest,
): Promise<Explained> {
  const resolved = rules.connections.resolveAll(request.authorizationDetails, 'authorization_details')
  return await context.unit.read(async (tx) => {
    const asking = await askingOf(context, tx, rules, request)
    const { agent, ttl } = asking.requested
    const { name, owner, maxTtl } = agent
    const asker = asking.within ? asking.within.task : { agent: name, owner }
    const known = { asker: { agent: asker.agent, owner: asker.owner }, agent: name, owner, ttl, maxTtl }
    if (resolved.length === 0 && !isOwn(asking))
      throw new BrokerError(
        'invalid_request',
        `authorization_details: name what you ask about; of ${name} this task is told no more`,
      )
    if (resolved.length === 0) return { ...known, details: [], overview: overview(rules.policies, name) }
    const { facts } = asking
    const details: ExplainedDetail[] = []
    for (const each of resolved) details.push(await explainDetail(context, tx, rules, asking, each))
    const decision = await decideInTurns(rules.policies, facts, resolved.map(askOf))
    if (details.every(({ inTask }) => inTask)) return { ...known, decision: allowed, details }
    const refused = details.flatMap(({ beyond, denials }) => (beyond ? denials : []))
    if (!details.some(({ beyond }) => beyond)) return { ...known, decision, details }
    return { ...known, decision: { outcome: 'denied', denials: refused }, details }
  })
}

const allowed: Decision = { outcome: 'allowed' }

/** Who asks, as policy would see the task that would be opened. */
interface Asking {
  requested: Requested
  facts: Facts
  /** The task that asks, where it would hang, and those above it, itself the first. */
  within: { task: Task; place: Place; above: Ancestor[] } | undefined
}

/** Whether it is asked about the agent that asks. */
function isOwn({ requested, within }: Asking): boolean {
  return !within || within.task.agent === requested.agent.name
}

async function askingOf(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  request: ExplainRequest,
): Promise<Asking> {
  const { asker } = request
  const { agent, principal, within } =
    'task' in asker
      ? await ofTask(context, tx, rules, asker.task, request.agent)
      : await ofWorkload(context, tx, rules, asker.verified, request.agent)
  const requested: Requested = {
    agent,
    principal,
    purpose: request.purpose ?? within?.task.purpose ?? '',
    ttl: ttlFor(agent, request.ttl),
    context: request.context ?? {},
    depth: within ? within.task.depth + 1 : 0,
  }
  const held = await context.leases.lockHeld(tx, {
    ...rules.agents.shareOf(agent.name, agent.owner),
    identity: identityOf(principal),
    tasks: within ? await context.tasks.tree(tx, within.task.root) : [],
  })
  return { requested, facts: factsOf(requested, held), within }
}

async function ofWorkload(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { principal }: VerifiedToken,
  named: string | undefined,
) {
  const agent = rules.agents.choose(principal, named)
  const session = sessionOf(principal, rules.issuers.get(principal.iss)?.session)
  const refused =
    reviewRefusal(agent, context.clock.now()) ??
    (await fencedOff(context, tx, { agent, principal }, [])) ??
    (await reopenRefusal(context, tx, rules, agent, session))
  if (refused) throw refused
  return { agent, principal, within: undefined }
}

async function ofTask(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { id }: StoredTask,
  named: string | undefined,
) {
  const standing = await standingAbove(context, tx, rules, { parent: id }, [])
  if ('refused' in standing) throw standing.refused
  const { above } = standing
  const { task } = above[0]!
  const { place, agent, principal } = placeIn(rules, task, named)
  const refused =
    reviewRefusal(agent, context.clock.now()) ?? (await fencedOff(context, tx, { agent, principal }, []))
  if (refused) throw refused
  return { agent, principal, within: { task, place, above } }
}

async function fencedOff(
  context: TaskContext,
  tx: Tx,
  { agent, principal }: Pick<Requested, 'agent' | 'principal'>,
  details: readonly ResolvedDetail[],
): Promise<BrokerError | undefined> {
  const connections = connectionsOf(details)
  return await fenceRefusal(context, tx, {
    principal,
    agent: agent.name,
    owners: [agent.owner],
    connections,
  })
}

/** Whether the task that asks may have it as it is. */
async function mayHave(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  asking: Asking,
  resolved: ResolvedDetail,
): Promise<boolean> {
  const { requested, within } = asking
  if (!within || !isOwn(asking)) return false
  const { task, above } = within
  const [self, ...ancestors] = above
  const { agent } = self!
  if (resolved.entry.provider.type === tools.type) {
    // A tool is called by who may, whatever the task was opened for.
    const { name, resource } = resolved.detail as ToolDetail
    const call = { name, resource, words: requested.context }
    return (await decideIn(context, tx, rules, { task, agent, above: ancestors }, call)).outcome === 'allowed'
  }
  if (scopeRefusal(task, resolved)) return false
  const claims = { ...requested.context, ...task.context }
  const { decision } = await decideAfresh(context, tx, rules, task, { agent, details: [resolved], claims })
  if (decision.outcome !== 'allowed') return false
  return !(await boundsRefusal(context, tx, rules, { bounded: task.bounded, above: ancestors }, [resolved]))
}

/** Why no task may be opened for it, whatever policy says of the agent: a fence upstream, or what is above. */
async function beyondPolicy(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, within }: Asking,
  resolved: ResolvedDetail,
): Promise<BrokerError | undefined> {
  const fenced = await fencedOff(context, tx, requested, [resolved])
  if (fenced || !within) return fenced
  const placed = await placeRefusal(context, tx, rules, within.place, [resolved])
  return 'refused' in placed ? placed.refused : undefined
}

async function explainDetail(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  asking: Asking,
  resolved: ResolvedDetail,
): Promise<ExplainedDetail> {
  const { policies } = rules
  const { requested, facts } = asking
  const ask = askOf(resolved)
  const about = {
    asked: resolved.asked,
    class: highest(ask.requests),
    revocation: ask.revocation,
    inTask: false,
    approvals: [],
    denials: [],
  }
  if (await mayHave(context, tx, rules, asking, resolved))
    return { ...about, outcome: 'allowed', inTask: true }
  const beyond = await beyondPolicy(context, tx, rules, asking, resolved)
  if (beyond) return { ...about, outcome: 'denied', beyond, denials: beyond.facts.denials ?? [] }
  const decision = await decideInTurns(policies, facts, [ask])
  const { outcome } = decision
  if (outcome === 'allowed') return { ...about, outcome }
  if (outcome === 'pending_approval') {
    const wanting = await askers(policies, facts, [ask])
    const approvals = decision.approvals.map((group) => ({ group, policies: wanting.get(group) ?? [] }))
    return { ...about, outcome, approvals }
  }
  const denied = { ...about, outcome, denials: decision.denials }
  if (!isOwn(asking)) return denied
  const resources = new Map(ask.requests.map(({ resource }) => [`${resource.type} ${resource.id}`, resource]))
  const vocabulary = resolved.entry.provider
  const permits = [...resources.values()].flatMap(
    (resource) => overview(policies, requested.agent.name, { vocabulary, resource }).permits,
  )
  return { ...denied, permits: [...new Map(permits.map((told) => [told.id, told])).values()] }
}
