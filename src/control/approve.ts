/** A human's yes or no to exactly one request (design §9). */
import { type Human, ownerRefusal } from '../agents/owner.ts'
import { asRead } from '../base/damage.ts'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import type { StoredLease } from '../leases/lease.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { Tx } from '../base/unit.ts'
import { decideAfresh } from '../tasks/afresh.ts'
import type { Approval, StoredApproval } from '../tasks/approval.ts'
import { grantedGroups, requestDigest, settlementMac } from '../tasks/approval-digest.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import { endTask } from '../tasks/end.ts'
import { endOfFenced, fencedTask } from '../tasks/fenced.ts'
import { silenceMs } from '../tasks/heartbeats.ts'
import { identityNow, ownersOf } from '../tasks/identity.ts'
import { ancestorsOf, boundsRefusal, standingAbove } from '../tasks/lineage.ts'
import { readTask, type TaskView } from '../tasks/read.ts'
import { resolveScope } from '../tasks/scope.ts'
import { aboutTask, type EndReason, type Task } from '../tasks/task.ts'
import type { Admin } from './authenticate.ts'

/** The human, as their token says. */
export interface Approver extends Human {
  /** `ISSUER:SUBJECT`, as the audit names this person. */
  id: string
  /** Admin entries that may approve and that this token satisfies. */
  groups: readonly string[]
}

/** An admin who has shown the right to approve. */
export function approverOf({ entries, ...human }: Admin): Approver {
  return { ...human, groups: entries.map((entry) => entry.name) }
}

export interface Answer {
  approval: string
  /** What the approver saw. */
  digest: string
  reason?: string | undefined
}

/**
 * Grants one group's approval. With the last one the task is decided afresh and
 * becomes active, or ends where policy would no longer allow it.
 *
 * @throws BrokerError `not_found`, `conflict` (settled before, expired, another
 *   digest), `forbidden` (another group, one's own agent, a second group).
 */
export async function approve(
  context: TaskContext,
  rules: Rules,
  approver: Approver,
  answer: Answer,
): Promise<TaskView> {
  const { task, leaving } = await settling(context, approver, answer, async (tx) => {
    const { approval, task, all } = await admissible(context, tx, approver, answer)
    const above = (await ancestorsOf(context, tx, task)).map(asRead)
    const owners = [task, ...above].flatMap((each) => ownersOf(rules, each))
    const own = ownerRefusal(approver, owners, 'nobody approves for an agent they own')
    if (own) throw own.refused
    if (
      all.some(
        (other) => !('damaged' in other) && other.status === 'granted' && other.settled?.by === approver.id,
      )
    )
      throw new BrokerError('forbidden', 'one person counts for one group')
    await settle(context, tx, { approval, task, status: 'granted', approver, answer })
    return { task, leaving: await proceed(context, tx, rules, task) }
  })
  await revokeNow(context, leaving)
  context.wake(context.clock.now())
  return await readTask(context, task.id)
}

/** Refuses the request: the task ends as `denied`. @throws BrokerError `not_found`, `conflict`, `forbidden`. */
export async function deny(context: TaskContext, approver: Approver, answer: Answer): Promise<TaskView> {
  const task = await settling(context, approver, answer, async (tx) => {
    const { approval, task } = await admissible(context, tx, approver, answer)
    await settle(context, tx, { approval, task, status: 'denied', approver, answer })
    await endTask(context, tx, task, { reason: 'denied', actor: `admin:${approver.id}` })
    return task
  })
  return await readTask(context, task.id)
}

/** One transaction of an answer. Whoever may not give it is on record: trying to say yes to one's own is worth a look. */
async function settling<T>(
  context: TaskContext,
  approver: Approver,
  answer: Answer,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { unit, approvals, tasks, audit, clock } = context
  try {
    return await unit.write(work)
  } catch (error) {
    if (isBrokerError(error, 'forbidden'))
      await unit.write(async (tx) => {
        const approval = await approvals.get(tx, answer.approval)
        const task = approval && (await tasks.get(tx, approval.task))
        audit.record(tx, {
          at: clock.now(),
          type: 'request.denied',
          actor: `admin:${approver.id}`,
          ...(task && aboutTask(task)),
          data: { approval: answer.approval, group: approval?.group, reason: error.message },
        })
      })
    throw error
  }
}

/** The pending approval, if this approver may settle it as they saw it. */
async function admissible(
  context: TaskContext,
  tx: Tx,
  approver: Approver,
  { approval: id, digest }: Answer,
): Promise<{ approval: Approval; task: Task; all: StoredApproval[] }> {
  const approval = await context.approvals.get(tx, id)
  const task = approval && (await context.tasks.get(tx, approval.task))
  if (!approval || !task) throw new BrokerError('not_found', 'there is no such approval')
  if (!approver.groups.includes(approval.group))
    throw new BrokerError('forbidden', `this needs a member of ${approval.group}`)
  const waiting = task.status === 'pending_approval' && context.clock.now() < task.expiresAt
  if (!waiting || 'damaged' in approval || approval.status !== 'pending')
    throw new BrokerError('conflict', 'this request is no longer waiting')
  if ('damaged' in task)
    throw new BrokerError('conflict', 'this request is not as it was made, and can only be ended')
  const all = await context.approvals.ofTask(tx, task.id)
  // Computed from the task as it stands, so that neither its row nor the approval's can be swapped under the yes.
  const current = requestDigest(
    task,
    all.map((other) => other.group),
  )
  if (digest !== current || approval.digest !== current)
    throw new BrokerError('conflict', 'the digest is not that of this request; look at it again')
  return { approval, task, all }
}

interface Settled {
  approval: Approval
  task: Task
  status: 'granted' | 'denied'
  approver: Approver
  answer: Answer
}

async function settle(
  context: TaskContext,
  tx: Tx,
  { approval, task, status, approver, answer }: Settled,
): Promise<void> {
  const at = context.clock.now()
  const settlement = { by: approver.id, at, reason: answer.reason ?? null }
  const { mac, key } = settlementMac(context.seal, approval, status, settlement)
  await context.approvals.settle(tx, approval.id, status, { ...settlement, mac, key })
  context.audit.record(tx, {
    at,
    type: status === 'granted' ? 'approval.granted' : 'approval.denied',
    actor: `admin:${approver.id}`,
    ...aboutTask(task),
    data: {
      approval: approval.id,
      group: approval.group,
      digest: approval.digest,
      reason: settlement.reason,
    },
  })
}

/** When all have said yes, everything is decided afresh: much may have changed while they thought. */
async function proceed(context: TaskContext, tx: Tx, rules: Rules, task: Task): Promise<StoredLease[]> {
  const { approvals, tasks, audit, clock, seal } = context
  const all = await approvals.ofTask(tx, task.id)
  const granted = grantedGroups(seal, task, all)
  if (granted.length < all.length) return []
  const now = clock.now()
  const end = (reason: EndReason) => endTask(context, tx, task, { reason, actor: 'broker' })
  const identity = identityNow(rules, task, now)
  if ('lapsed' in identity) return await end(identity.lapsed)
  const details = resolveScope(rules, task)
  if (!details) return await end('policy_changed')
  const fenced = await fencedTask(context, tx, rules, task, details)
  if (fenced) return await end(endOfFenced(fenced))
  const standing = await standingAbove(context, tx, rules, task, details)
  if ('refused' in standing) return await end(standing.lapsed)
  const { above } = standing
  const { decision } = await decideAfresh(context, tx, rules, task, { agent: identity.agent, details })
  if (decision.outcome !== 'allowed') return await end('policy_changed')
  const beyond = await boundsRefusal(context, tx, rules, { bounded: task.bounded, above }, details)
  if (beyond) return await end('policy_changed')
  const [parent] = above
  const expiresAt = Math.min(now + task.ttl * 1000, parent?.task.expiresAt ?? Infinity)
  const { heartbeat } = task
  await tasks.activate(tx, task.id, expiresAt, heartbeat && now + silenceMs(heartbeat))
  audit.record(tx, {
    at: now,
    type: 'task.approved',
    actor: 'broker',
    ...aboutTask(task),
    status: 'active',
    data: { groups: granted, expires_at: isoTime(expiresAt) },
  })
  return []
}
