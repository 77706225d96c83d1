/** The lists behind the admin calls: tasks, leases, approvals, fences and events. */
import type { EventFilter, EventPageRequest, ListedEvent } from '../audit/event.ts'
import { type FenceFilter, stands, type StoredFence } from '../agents/fence.ts'
import type { LeaseFilter, StoredLease } from '../leases/lease.ts'
import { asRead } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import type { Page, PageRequest } from '../base/page.ts'
import { breathe } from '../base/turns.ts'
import type { ApprovalFilter, StoredApproval } from '../tasks/approval.ts'
import type { TaskContext } from '../tasks/context.ts'
import { type Act, actOf, ancestorsOf } from '../tasks/lineage.ts'
import { type TaskView, viewOf } from '../tasks/read.ts'
import type { StoredTask, TaskFilter } from '../tasks/task.ts'

/** An approval with all that its approver has to see before a yes. */
export interface ApprovalRequest {
  approval: StoredApproval
  task: StoredTask
  /** Every approval of the task. */
  all: StoredApproval[]
  /** Who acts for whom; absent for a task of its own. */
  act?: Act | undefined
  /** Milliseconds for which it has waited, or had when it was settled; null where that is not known. */
  waited: number | null
}

/** A fence, and whether it keeps anyone out at this moment. */
export interface FenceView {
  fence: StoredFence
  standing: boolean
}

/** A member that is undefined filters nothing. */
export type Asked<Filter> = { [Key in keyof Filter]?: Filter[Key] | undefined }

export async function listTasks(
  context: TaskContext,
  filter: Asked<TaskFilter>,
  page: PageRequest,
): Promise<Page<TaskView>> {
  return await context.unit.read(async (tx) => {
    const { items, next } = await context.tasks.list(tx, given(filter), page)
    return { items: await Promise.all(items.map((task) => viewOf(context, tx, task))), next }
  })
}

export async function listLeases(
  { unit, leases }: TaskContext,
  filter: Asked<LeaseFilter>,
  page: PageRequest,
): Promise<Page<StoredLease>> {
  return await unit.read((tx) => leases.list(tx, given(filter), page))
}

export async function listApprovals(
  context: TaskContext,
  filter: Asked<ApprovalFilter>,
  page: PageRequest,
): Promise<Page<ApprovalRequest>> {
  const { unit, approvals, tasks, clock } = context
  return await unit.read(async (tx) => {
    const { items, next } = await approvals.list(tx, given(filter), page)
    const requests = items.map(async (approval) => {
      const task = await tasks.get(tx, approval.task)
      // One whose task somebody has taken away cannot be answered; the others can.
      if (!task) return []
      const { status, settled, createdAt } = asRead(approval)
      const over = status === 'pending' ? clock.now() : (settled?.at ?? asRead(task).endedAt)
      const all = await approvals.ofTask(tx, approval.task)
      const act = actOf(task, await ancestorsOf(context, tx, asRead(task)))
      return [{ approval, task, all, act, waited: over === null ? null : over - createdAt }]
    })
    return { items: (await Promise.all(requests)).flat(), next }
  })
}

export async function listFences(
  context: TaskContext,
  filter: Asked<FenceFilter>,
  page: PageRequest,
): Promise<Page<FenceView>> {
  const { items, next } = await context.unit.read((tx) => context.fences.list(tx, given(filter), page))
  return { items: items.map((fence) => ({ fence, standing: stands(fence, context.clock) })), next }
}

/** A part of the record at a time, each in a snapshot of its own: it is long, and nothing in it ever changes. */
export async function listEvents(
  { unit, audit }: Pick<TaskContext, 'unit' | 'audit'>,
  filter: Asked<EventFilter>,
  page: EventPageRequest,
): Promise<Page<ListedEvent>> {
  const items: ListedEvent[] = []
  for (let { cursor } = page; ;) {
    const part = { ...page, cursor, limit: page.limit - items.length }
    const found = await unit.read((tx) => audit.list(tx, given(filter), part))
    items.push(...found.items)
    if (found.next === null || items.length === page.limit) return { items, next: found.next }
    cursor = found.next
    await breathe()
  }
}

/** @throws BrokerError `not_found` */
export async function readEvent(
  { unit, audit }: Pick<TaskContext, 'unit' | 'audit'>,
  seq: number,
): Promise<ListedEvent> {
  const event = await unit.read((tx) => audit.get(tx, seq))
  if (!event) throw new BrokerError('not_found', 'there is no such event')
  return event
}

function given<Filter extends object>(filter: Filter): { [Key in keyof Filter]?: NonNullable<Filter[Key]> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Filter]?: NonNullable<Filter[Key]> }
}
