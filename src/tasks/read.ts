/** What a task looks like now, with its leases and approvals. */
import type { Lease } from '../leases/lease.ts'
import type { TaskContext } from './context.ts'
import type { Approval, Task } from './task.ts'

export interface TaskView {
  task: Task
  leases: Lease[]
  approvals: Approval[]
}

export async function readTask(context: TaskContext, id: string): Promise<TaskView> {
  return await context.unit.read(async (tx) => ({
    task: (await context.tasks.get(tx, id))!,
    leases: await context.leases.find(tx, { task: id }),
    approvals: await context.approvals.ofTask(tx, id),
  }))
}
