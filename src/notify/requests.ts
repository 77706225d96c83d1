/** Requests for approval in words: who asks, what for, why, until when, and how to answer. */
import type { ChainedEvent } from '../audit/event.ts'
import { asRead } from '../base/damage.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Tx } from '../base/unit.ts'
import type { StoredApproval } from '../tasks/approval.ts'
import type { StoredTask } from '../tasks/task.ts'
import { byWhom, type Fact, orderOf, quoted, type Told, type Words } from './notice.ts'

/** A group's yes is asked for. */
export async function requested(told: Told, tx: Tx, event: ChainedEvent): Promise<Words> {
  const { id, group, approval, task } = await read(told, tx, event)
  const status = approval?.status ?? 'pending'
  const command = `mayfly admin approve ${id} --url ${told.url()}`
  const page = told.approvalPage(id)
  const api = `${told.url()}/v1/admin/approvals/${id}`
  return {
    type: event.type,
    title: `${event.agent} waits for the yes of ${group}`,
    facts: [
      ...(status === 'pending' ? [] : [['By now', status] as const]),
      ...factsOf(task),
      ...(approval?.policies ?? []).map(({ id: policy, description }): Fact => [
        'Policy',
        description === null ? policy : `${policy}: ${description}`,
      ]),
    ],
    command,
    asks: id,
    ...(page !== undefined && { page }),
    data: {
      ...dataOf(task),
      approval: id,
      group,
      status,
      digest: event.data?.['digest'],
      policies: approval?.policies,
      command,
      approve_url: `${api}/approve`,
      deny_url: `${api}/deny`,
    },
  }
}

/** Somebody has said yes or no. */
export async function answered(told: Told, tx: Tx, event: ChainedEvent): Promise<Words> {
  const { id, group, task } = await read(told, tx, event)
  const verb = event.type === 'approval.granted' ? 'yes' : 'no'
  return {
    type: event.type,
    title: `${group} has said ${verb} to ${event.agent}`,
    facts: [...orderOf(event), ...factsOf(task)],
    data: { ...dataOf(task), approval: id, group, ...byWhom(event) },
  }
}

/** The task has ended with approvals that nobody had answered; undefined where it had none. */
export async function expired(
  { approvals, tasks }: Told,
  tx: Tx,
  event: ChainedEvent,
): Promise<Words | undefined> {
  const { task: id = '', agent, data } = event
  const open = (await approvals.ofTask(tx, id)).map(asRead).filter(({ status }) => status === 'expired')
  if (open.length === 0) return undefined
  const stored = await tasks.get(tx, id)
  const groups = open.map(({ group }) => group)
  return {
    type: 'approval.expired',
    title: `${agent} no longer waits for the yes of ${groups.join(', ')}`,
    facts: [['Ended', String(data?.['reason'])], ...factsOf(stored)],
    data: { ...dataOf(stored), approvals: open.map((each) => each.id), groups, end_reason: data?.['reason'] },
  }
}

async function read({ approvals, tasks }: Told, tx: Tx, { task: id = '', data = {} }: ChainedEvent) {
  const approval = String(data['approval'])
  const stored: StoredApproval | undefined = await approvals.get(tx, approval)
  return {
    id: approval,
    group: String(data['group']),
    approval: stored && asRead(stored),
    task: await tasks.get(tx, id),
  }
}

function factsOf(stored: StoredTask | undefined): Fact[] {
  if (!stored || 'damaged' in stored) return [['Request', 'its row is not as it was written']]
  const { owner, principal, purpose, scope, ttl, expiresAt, status } = stored
  return [
    ['Owner', owner],
    ['Identity', `${principal.subject} of ${principal.iss}`],
    ['Why', `${quoted(purpose)}, in its own words`],
    ...scope.map(({ provider, connection, detail }): Fact => [
      'What',
      `${provider}/${connection} ${quoted(detail)}`,
    ]),
    ['For', `${ttl} seconds`],
    ...(status === 'pending_approval' ? [['Waits until', isoTime(expiresAt)] as const] : []),
  ]
}

function dataOf(stored: StoredTask | undefined): Record<string, unknown> {
  if (!stored || 'damaged' in stored) return {}
  const { principal, session, purpose, scope, ttl, context, expiresAt } = stored
  const { iss: issuer, subject } = principal
  const details = scope.map(({ detail }) => detail)
  return {
    issuer,
    subject,
    session,
    purpose,
    authorization_details: details,
    ttl,
    context,
    expires_at: isoTime(expiresAt),
  }
}
