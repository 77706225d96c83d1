/** A task that is opened: its row, whose yes it waits for, and the record of both, in one transaction. */
import { newId } from '../base/id.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Tx } from '../base/unit.ts'
import type { AskingPolicy } from '../policy/askers.ts'
import type { Decision } from '../policy/decide.ts'
import type { Approval } from './approval.ts'
import { requestDigest } from './approval-digest.ts'
import type { Asked } from './asked.ts'
import type { Rules, TaskContext } from './context.ts'
import { silenceMs } from './heartbeats.ts'
import { actOf, type Ancestor } from './lineage.ts'
import type { GrantedTask } from './read.ts'
import { aboutTask, type Task } from './task.ts'
import { newTaskToken, waitingToken } from './token.ts'

/** `asking`: the policies that want approvals, by the group whose yes they want. */
export type Decided =
  | Exclude<Decision, { outcome: 'pending_approval' }>
  | (Extract<Decision, { outcome: 'pending_approval' }> & { asking: ReadonlyMap<string, AskingPolicy[]> })

export async function insert(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, scope, session, place, delegation, above }: Asked & { above: readonly Ancestor[] },
  decision: Exclude<Decided, { outcome: 'denied' }>,
): Promise<GrantedTask> {
  const { tasks, audit, clock } = context
  const { agent, principal, purpose, ttl, depth } = requested
  const now = clock.now()
  const id = newId('task', now)
  const parent = place?.parent.id ?? null
  const pending = decision.outcome === 'pending_approval'
  // A child of the same agent is the same workload, which is heard, or not, in the task above.
  const heartbeat = place && !place.bounded ? undefined : agent.heartbeat
  const task: Task = {
    id,
    status: pending ? 'pending_approval' : 'active',
    agent: agent.name,
    owner: agent.owner,
    principal,
    ...(session && { session }),
    purpose,
    scope,
    ttl,
    context: requested.context,
    parent,
    root: place?.parent.root ?? id,
    depth,
    ...(place?.bounded && { bounded: place.bounded }),
    ...(heartbeat !== undefined && { heartbeat }),
    ...(heartbeat !== undefined && !pending && { silentAt: now + silenceMs(heartbeat) }),
    createdAt: now,
    expiresAt: Math.min(
      now + (pending ? rules.limits.approvalWindow : ttl) * 1000,
      place?.parent.expiresAt ?? Infinity,
    ),
    endedAt: null,
    endReason: null,
  }
  const { root, bounded = null } = task
  const hanging = { parent, root, bounded, ...(delegation && { delegation: delegation.id }) }
  const act = actOf(
    task,
    above.map((each) => each.task),
  )
  const { token, hash } = pending ? waitingToken(id) : newTaskToken()
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
      expires_at: isoTime(task.expiresAt),
      ...(heartbeat !== undefined && { heartbeat }),
      ...(place && { ...hanging, act }),
    },
  })
  const approvals = pending ? await askApproval(context, tx, task, decision) : []
  return { task, approvals, leases: [], act, token }
}

async function askApproval(
  context: TaskContext,
  tx: Tx,
  task: Task,
  { approvals: groups, asking }: Extract<Decided, { outcome: 'pending_approval' }>,
): Promise<Approval[]> {
  const digest = requestDigest(task, groups)
  const approvals: Approval[] = groups.map((group) => ({
    id: newId('appr'),
    task: task.id,
    group,
    digest,
    policies: asking.get(group) ?? [],
    status: 'pending',
    createdAt: task.createdAt,
    settled: null,
  }))
  for (const approval of approvals) {
    await context.approvals.insert(tx, approval)
    context.audit.record(tx, {
      at: task.createdAt,
      type: 'approval.requested',
      actor: 'broker',
      ...aboutTask(task),
      data: {
        approval: approval.id,
        group: approval.group,
        digest,
        policies: approval.policies?.map(({ id }) => id),
      },
    })
  }
  return approvals
}
