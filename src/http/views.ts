/** How the core's values look on the wire. */
import type { z } from '@hono/zod-openapi'
import type { FenceSelector } from '../agents/fence.ts'
import type { ListedEvent } from '../audit/event.ts'
import { asRead } from '../base/damage.ts'
import { isoTime } from '../base/iso-time.ts'
import type { AgentView } from '../control/agents.ts'
import type { ApprovalRequest, FenceView } from '../control/lists.ts'
import type { RevocationReport } from '../control/revocations.ts'
import type { Issuers } from '../identity/issuer.ts'
import { requestsOf } from '../leases/connections.ts'
import { isOver, type Lease, type StoredLease } from '../leases/lease.ts'
import { classesOf, highestOf } from '../provider/terms.ts'
import { tools } from '../provider/tools.ts'
import type { StoredApproval } from '../tasks/approval.ts'
import { requestToApprove } from '../tasks/approval-digest.ts'
import type { TaskContext } from '../tasks/context.ts'
import type { DryRun } from '../tasks/open.ts'
import type { TaskView } from '../tasks/read.ts'
import type { Task } from '../tasks/task.ts'
import { waitingRemedy } from '../tasks/waiting.ts'
import type * as shapes from '../wire/admin-schemas.ts'
import type * as schemas from '../wire/schemas.ts'

/** Milliseconds since 1970 as RFC 3339 in UTC. */
function time(at: number): string
function time(at: number | null): string | null
function time(at: number | null): string | null {
  return at === null ? null : isoTime(at)
}

/** What it takes of the core to show a task. */
type Shown = Pick<TaskContext, 'connections' | 'approvalPage'>

type Detail = z.infer<typeof schemas.lease>['authorization_detail']

export function leaseView(stored: StoredLease): z.infer<typeof schemas.lease> {
  const lease = asRead(stored)
  return {
    id: lease.id,
    task: lease.task,
    provider: lease.provider,
    connection: lease.connection,
    status: stored.status,
    authorization_detail: lease.detail as Detail,
    // On the wire it has one: the most that it may do.
    class: highestOf(lease.classes) ?? 'read',
    revocation: lease.revocation,
    created_at: time(lease.createdAt),
    deadline: time(lease.deadline),
    upstream_expires_at: time(lease.upstreamExpiresAt),
    stands_until: time(lease.standsUntil),
    live_until: time(lease.liveUntil),
    ended_at: time(lease.endedAt),
    fingerprint: lease.fingerprint,
    evidence: lease.evidence && { ...lease.evidence, at: time(lease.evidence.at) },
    ...damage(stored),
  }
}

export function taskView(
  { task: stored, leases, approvals, act }: TaskView,
  core: Shown,
): z.infer<typeof schemas.task> {
  const task = asRead(stored)
  const remedy = waitingRemedy(task, approvals, core.approvalPage)
  const connections = core.connections()
  return {
    id: task.id,
    status: task.status,
    agent: task.agent,
    owner: task.owner,
    ...(task.session && { session: task.session }),
    purpose: task.purpose,
    authorization_details: task.scope.map((item) => item.detail as Detail),
    upstreams: task.scope.map(({ provider, connection }) => ({
      provider,
      connection,
      host: connections.get(provider, connection)?.terms.host ?? null,
    })),
    ttl: task.ttl,
    context: task.context,
    parent: task.parent,
    ...(act && { depth: task.depth, act }),
    ...(task.heartbeat !== undefined && { heartbeat: task.heartbeat }),
    created_at: time(task.createdAt),
    expires_at: time(task.expiresAt),
    ended_at: time(task.endedAt),
    end_reason: task.endReason,
    approvals: approvals.map((approval) => approvalView(approval, core)),
    ...(remedy !== undefined && { remedy }),
    leases: leases.map(leaseView),
    ...damage(stored),
  }
}

export function heardView({ id, status, expiresAt, heartbeat }: Task): z.infer<typeof schemas.heard> {
  return { id, status, expires_at: time(expiresAt), ...(heartbeat !== undefined && { heartbeat }) }
}

/** With who answered it, and when. */
function approvalView(approval: StoredApproval, { approvalPage }: Shown): z.infer<typeof schemas.approval> {
  const { id, group, digest, policies, status, settled } = asRead(approval)
  const { by = null, at = null } = settled ?? {}
  const link = status === 'pending' ? approvalPage(id) : undefined
  const asked = { id, group, digest, ...(policies && { policies }), ...(link !== undefined && { link }) }
  return { ...asked, status, by, at: time(at), ...damage(approval) }
}

/** Nobody is shown as genuine what the broker has not written. */
function damage(stored: object | { damaged: string }): { damaged?: string } {
  return 'damaged' in stored ? { damaged: stored.damaged } : {}
}

export function dryRunView({
  agent,
  owner,
  ttl,
  resolved,
  decision,
}: DryRun): z.infer<typeof schemas.dryRun> {
  const minted = resolved.filter(({ entry }) => entry.provider.type !== tools.type)
  return {
    decision: decision.outcome,
    agent,
    owner,
    ttl,
    approvals: decision.outcome === 'pending_approval' ? decision.approvals : [],
    denials: decision.outcome === 'denied' ? decision.denials : [],
    leases: minted.map((each) => ({
      provider: each.entry.provider.type,
      connection: each.entry.name,
      authorization_detail: each.asked as Detail,
      class: highestOf(classesOf(requestsOf(each))) ?? 'read',
      revocation: each.entry.terms.revocation(each.detail),
    })),
  }
}

/** `issuers`: those configured, by whose names admins know them. */
export function fenceView({ fence, standing }: FenceView, issuers: Issuers): z.infer<typeof schemas.fence> {
  const { id, selector, agents, reason, by, at, until } = asRead(fence)
  const status = standing ? 'standing' : 'over'
  const said = { agents, reason, by, at: time(at), until: time(until) }
  return { id, selector: selectorView(selector, issuers), status, ...said, ...damage(fence) }
}

function selectorView(selector: FenceSelector, issuers: Issuers): z.infer<typeof schemas.fence>['selector'] {
  const named = (issuer: string) => issuers.get(issuer)?.name ?? issuer
  if ('session' in selector) {
    const { issuer, claims } = selector.session
    return { session: { issuer: named(issuer), claims } }
  }
  if ('claim' in selector) return { claim: { ...selector.claim, issuer: named(selector.claim.issuer) } }
  return 'issuer' in selector ? { issuer: named(selector.issuer) } : selector
}

export function revocationView(
  { id, tasks, leases, fence }: RevocationReport,
  issuers: Issuers,
): z.infer<typeof schemas.revocation> {
  const count = (...statuses: Lease['status'][]) =>
    leases.filter((lease) => statuses.includes(lease.status)).length
  return {
    id,
    tasks,
    matched: leases.length,
    revoked: leases.filter(isOver).length,
    pending: count('pending', 'active', 'revoking'),
    irrevocable: count('irrevocable'),
    leases: leases.map(leaseView),
    fence: fence ? fenceView({ fence, standing: true }, issuers) : null,
  }
}

export function agentView(view: AgentView): z.infer<typeof shapes.agent> {
  const { agent, status, openTasks, liveLeases } = view
  const suspension = view.suspension && asRead(view.suspension)
  return {
    name: agent.name,
    owner: agent.owner,
    purpose: agent.purpose,
    environment: agent.environment,
    review_by: agent.reviewBy,
    max_ttl: agent.maxTtl,
    status,
    suspension: suspension ? { by: suspension.by, reason: suspension.reason, at: time(suspension.at) } : null,
    open_tasks: openTasks,
    live_leases: liveLeases,
  }
}

export function approvalRequestView(
  asked: ApprovalRequest,
  core: Shown,
): z.infer<typeof shapes.approvalRequest> {
  const { createdAt, settled } = asRead(asked.approval)
  const {
    approvals: _approvals,
    leases: _leases,
    ...task
  } = taskView({ task: asked.task, leases: [], approvals: [], act: asked.act }, core)
  const groups = asked.all.map((approval) => approval.group)
  const request = requestToApprove(asRead(asked.task), groups)
  const reason = settled?.reason ?? null
  const waited = asked.waited === null ? null : Math.floor(asked.waited / 1000)
  return { ...approvalView(asked.approval, core), reason, request, created_at: time(createdAt), waited, task }
}

export function adminLeaseView(lease: StoredLease): z.infer<typeof shapes.adminLease> {
  const { agent, owner, attempts, failingSince } = asRead(lease)
  return { ...leaseView(lease), agent, owner, attempts, failing_since: time(failingSince) }
}

export function eventView({ at, request, ...event }: ListedEvent): z.infer<typeof shapes.auditEvent> {
  return { ...event, at: time(at), ...(request !== undefined && { request_id: request }) }
}
