/** Opening a task: who asks, for what, and whether policy allows it. */
import { reviewRefusal } from '../agents/in-force.ts'
import { type Approaching, fenceRefusal } from '../agents/fence.ts'
import { BrokerError } from '../errors.ts'
import { newId } from '../id.ts'
import { identityOf } from '../identity/principal.ts'
import { type Session, sessionOf } from '../identity/session.ts'
import { useUp } from '../identity/single-use.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Lease } from '../leases/lease.ts'
import { decide, type Decision } from '../policy/decide.ts'
import type { Tx } from '../unit.ts'
import type { Approval } from './approval.ts'
import { requestDigest } from './approval-digest.ts'
import type { Rules, TaskContext } from './context.ts'
import { policyDenied, reasonOf, recordDenial } from './denial.ts'
import { askOf, factsOf, type Requested } from './facts.ts'
import { connectionsOf, reopenRefusal } from './fenced.ts'
import { type IdempotencyKey, recall, rememberedForMs } from './idempotency.ts'
import { aboutTask, type ScopeItem, type Task } from './task.ts'
import { newTaskToken } from './token.ts'
import { ttlFor } from './ttl.ts'

/** What a workload asks for, its shape already checked. */
export interface OpenRequest {
  verified: VerifiedToken
  /** Which agent it wants to be, where it matches several. */
  agent?: string | undefined
  purpose: string
  /** RFC 9396, as written. */
  authorizationDetails: unknown[]
  /** Seconds. */
  ttl?: number | undefined
  context?: Record<string, string> | undefined
  idempotency?: IdempotencyKey | undefined
}

/** What would come of a request, without anything kept. */
export interface DryRun {
  agent: string
  owner: string
  ttl: number
  resolved: ResolvedDetail[]
  decision: Decision
}

/** A task just opened, and its token: the only time that it is seen. */
export interface OpenedTask {
  task: Task
  approvals: Approval[]
  /** Those of a task that was resumed: a new one has none. */
  leases: Lease[]
  token: string
}

/**
 * Opens a task: `active`, or `pending_approval` where policy asks for a human's
 * yes. The same token, key and request again give the same task and a fresh task
 * token, the one before being good for nothing from then on.
 *
 * @throws BrokerError `unknown_agent`, `agent_suspended`, `fenced`, `agent_expired`,
 *   `invalid_request`, `policy_denied`, `token_replayed`, `conflict`; `unavailable` when the store fails. A
 *   refusal does not use the token up.
 */
export async function openTask(
  context: TaskContext,
  rules: Rules,
  request: OpenRequest,
): Promise<OpenedTask> {
  const { unit, clock, wake } = context
  const asked = prepare(rules, request)
  const { requested, resolved } = asked
  const outcome = await unit.write(async (tx) => {
    const refuse = (refused: BrokerError) => {
      recordDenial(context, tx, requested, {
        purpose: requested.purpose,
        scope: resolved.map((each) => each.detail),
        ...reasonOf(refused),
      })
      return { refused }
    }
    const overdue = reviewRefusal(requested.agent, clock.now())
    if (overdue) return refuse(overdue)
    const fenced = await fenceRefusal(context, tx, approaching(asked))
    if (fenced) return refuse(fenced)
    const resumed = request.idempotency && (await resume(context, tx, request.idempotency))
    if (resumed) return resumed
    const over = await reopenRefusal(context, tx, rules, requested.agent, asked.session)
    if (over) return refuse(over)
    const decision = await decideIn(context, tx, rules, requested, resolved)
    if (decision.outcome === 'denied') return refuse(policyDenied(decision.denials))
    await useUp(tx, context.usedTokens, request.verified)
    const opened = await insert(context, tx, rules, asked, decision)
    if (request.idempotency) {
      const until = opened.task.expiresAt + requested.ttl * 1000 + rememberedForMs
      await context.idempotency.put(tx, { ...request.idempotency, task: opened.task.id, lease: null, until })
    }
    return opened
  })
  if ('refused' in outcome) throw outcome.refused
  wake(outcome.task.expiresAt)
  return outcome
}

/** Decides without keeping anything; the token stays good. @throws BrokerError as `openTask`, a denial excepted. */
export async function dryRun(context: TaskContext, rules: Rules, request: OpenRequest): Promise<DryRun> {
  const asked = prepare(rules, request)
  const { requested, resolved } = asked
  const decision = await context.unit.read(async (tx) => {
    const refused =
      reviewRefusal(requested.agent, context.clock.now()) ??
      (await fenceRefusal(context, tx, approaching(asked))) ??
      (await reopenRefusal(context, tx, rules, requested.agent, asked.session))
    if (refused) throw refused
    return await decideIn(context, tx, rules, requested, resolved)
  })
  const { name, owner } = requested.agent
  return { agent: name, owner, ttl: requested.ttl, resolved, decision }
}

async function resume(context: TaskContext, tx: Tx, key: IdempotencyKey): Promise<OpenedTask | undefined> {
  const remembered = await recall(context.idempotency, tx, key)
  const task = remembered && (await context.tasks.get(tx, remembered.task))
  if (!task) return undefined
  if (task.damaged !== undefined) {
    context.log.error({ task: task.id, damage: task.damaged }, 'a task row is damaged, and is not resumed')
    throw new BrokerError('unavailable', 'the task of this Idempotency-Key is not as it was opened')
  }
  const { token, hash } = newTaskToken()
  await context.tasks.replaceToken(tx, task.id, hash)
  const approvals = await context.approvals.ofTask(tx, task.id)
  return { task, approvals, leases: await context.leases.find(tx, { task: task.id }), token }
}

/** A request under the rules in force. */
interface Asked {
  requested: Requested
  resolved: ResolvedDetail[]
  session: Session | undefined
}

function approaching({ requested: { principal, agent }, resolved }: Asked): Approaching {
  return { principal, agent: agent.name, owners: [agent.owner], connections: connectionsOf(resolved) }
}

function prepare(rules: Rules, request: OpenRequest): Asked {
  const { principal } = request.verified
  const agent = rules.agents.choose(principal, request.agent)
  const ttl = ttlFor(agent, request.ttl)
  const resolved = request.authorizationDetails.map((detail, index) =>
    rules.connections.resolve(detail, `authorization_details.${index}`),
  )
  for (const each of resolved) requireOutlasting(ttl, each)
  const requested = {
    agent,
    principal,
    purpose: request.purpose,
    ttl,
    context: request.context ?? {},
    depth: 0,
  }
  return { requested, resolved, session: sessionOf(principal, rules.issuers.get(principal.iss)?.session) }
}

/** What only its own expiry ends must not outlive the task (invariant I3). @throws BrokerError `invalid_request` */
function requireOutlasting(ttl: number, { entry, detail }: ResolvedDetail): void {
  const { min } = entry.connection.ttl(detail)
  if (ttl < min && entry.connection.revocation(detail) === 'expiry')
    throw new BrokerError(
      'invalid_request',
      `ttl: what ${entry.name} mints lives for ${min} seconds at least and cannot be taken back; the task must last as long`,
    )
}

async function decideIn(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  requested: Requested,
  resolved: ResolvedDetail[],
): Promise<Decision> {
  const held = await context.leases.held(tx, {
    agent: requested.agent.name,
    identity: identityOf(requested.principal),
    tasks: [],
  })
  return decide(rules.policies, factsOf(requested, held), resolved.map(askOf))
}

async function insert(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, resolved, session }: Asked,
  decision: Exclude<Decision, { outcome: 'denied' }>,
): Promise<OpenedTask> {
  const { tasks, audit, clock } = context
  const { agent, principal, purpose, ttl, depth } = requested
  const now = clock.now()
  const id = newId('task')
  const pending = decision.outcome === 'pending_approval'
  const task: Task = {
    id,
    status: pending ? 'pending_approval' : 'active',
    agent: agent.name,
    owner: agent.owner,
    principal,
    ...(session && { session }),
    purpose,
    scope: resolved.map(toScopeItem),
    ttl,
    context: requested.context,
    parent: null,
    root: id,
    depth,
    createdAt: now,
    expiresAt: now + (pending ? rules.limits.approvalWindow : ttl) * 1000,
    endedAt: null,
    endReason: null,
  }
  const { token, hash } = newTaskToken()
  await tasks.insert(tx, task, hash)
  audit.record(tx, {
    at: now,
    type: 'task.opened',
    actor: `agent:${agent.name}`,
    ...aboutTask(task),
    status: task.status,
    data: {
      issuer: principal.iss,
      subject: principal.subject,
      session: session ?? null,
      purpose,
      scope: task.scope,
      ttl,
      context: task.context,
      expires_at: new Date(task.expiresAt).toISOString(),
    },
  })
  const approvals = pending ? await askApproval(context, tx, task, decision.approvals) : []
  return { task, approvals, leases: [], token }
}

async function askApproval(context: TaskContext, tx: Tx, task: Task, groups: string[]): Promise<Approval[]> {
  const digest = requestDigest(task, groups)
  const asked: Approval[] = groups.map((group) => ({
    id: newId('appr'),
    task: task.id,
    group,
    digest,
    status: 'pending',
    createdAt: task.createdAt,
    settled: null,
  }))
  for (const approval of asked) {
    await context.approvals.insert(tx, approval)
    context.audit.record(tx, {
      at: task.createdAt,
      type: 'approval.requested',
      actor: 'broker',
      ...aboutTask(task),
      data: { approval: approval.id, group: approval.group, digest },
    })
  }
  return asked
}

function toScopeItem({ entry, detail }: ResolvedDetail): ScopeItem {
  return { provider: entry.provider.type, connection: entry.name, detail }
}
