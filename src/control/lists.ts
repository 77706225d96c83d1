/** What an admin sees of the store: the newest first, each page in one snapshot. */
import type { ChainedEvent, EventFilter } from '../audit/event.ts'
import { type Fence, type FenceFilter, stands } from '../agents/fence.ts'
import type { Lease, LeaseFilter } from '../leases/lease.ts'
import type { Page, PageRequest } from '../base/page.ts'
import type { Approval, ApprovalFilter } from '../tasks/approval.ts'
import type { TaskContext } from '../tasks/context.ts'
import { type TaskView, viewOf } from '../tasks/read.ts'
import type { Task, TaskFilter } from '../tasks/task.ts'

/** An approval with all that its approver has to see before a yes. */
export interface ApprovalRequest {
  approval: Approval
  task: Task
  /** Every approval of the task. */
  all: Approval[]
}

/** A fence, and whether it keeps anyone out at this moment. */
export interface FenceView {
  fence: Fence
  standing: boolean
}

/** A member that is undefined filters nothing. */
type Asked<Filter> = { [Key in keyof Filter]?: Filter[Key] | undefined }

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
): Promise<Page<Lease>> {
  return await unit.read((tx) => leases.list(tx, given(filter), page))
}

export async function listApprovals(
  { unit, approvals, tasks }: TaskContext,
  filter: Asked<ApprovalFilter>,
  page: PageRequest,
): Promise<Page<ApprovalRequest>> {
  return await unit.read(async (tx) => {
    const { items, next } = await approvals.list(tx, given(filter), page)
    const requests = items.map(async (approval) => ({
      approval,
      task: (await tasks.get(tx, approval.task))!,
      all: await approvals.ofTask(tx, approval.task),
    }))
    return { items: await Promise.all(requests), next }
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

export async function listEvents(
  { unit, audit }: TaskContext,
  filter: Asked<EventFilter>,
  page: PageRequest,
): Promise<Page<ChainedEvent>> {
  return await unit.read((tx) => audit.list(tx, given(filter), page))
}

function given<Filter extends object>(filter: Filter): { [Key in keyof Filter]?: NonNullable<Filter[Key]> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Filter]?: NonNullable<Filter[Key]> }
}
