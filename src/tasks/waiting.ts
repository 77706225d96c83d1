/** What to do about a task that waits for approval, in words that a person or an assistant can follow. */
import { asRead } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Tx } from '../base/unit.ts'
import type { Approval, StoredApproval } from './approval.ts'
import type { TaskContext } from './context.ts'
import type { StoredTask } from './task.ts'

/** Who decides about what, until when, and how to wait for it; undefined where nobody is to decide. */
export function waitingRemedy(
  { id, status, expiresAt }: Pick<StoredTask, 'id' | 'status' | 'expiresAt'>,
  approvals: readonly StoredApproval[],
  pageOf: TaskContext['approvalPage'],
): string | undefined {
  if (status !== 'pending_approval') return undefined
  const asked = approvals.map(asRead).filter((approval) => approval.status === 'pending')
  if (asked.length === 0) return undefined
  const decide = asked.map((approval) => whoDecides(approval, pageOf)).join(', ')
  const until = isoTime(expiresAt)
  return `${decide} until ${until}; wait with \`mayfly task wait\`, or GET /v1/tasks/${id}?wait=30`
}

/** Who decides about what, and where. */
export function whoDecides(
  { id, group }: Pick<Approval, 'id' | 'group'>,
  pageOf: TaskContext['approvalPage'],
): string {
  const page = pageOf(id)
  return `${group} decides on ${id}${page === undefined ? '' : ` at ${page}`}`
}

/** The refusal of what needs the task to be active. */
export async function waitingRefusal(
  { approvals, approvalPage }: TaskContext,
  tx: Tx,
  task: StoredTask,
): Promise<BrokerError> {
  const remedy = waitingRemedy(task, await approvals.ofTask(tx, task.id), approvalPage)
  return new BrokerError(
    'task_not_active',
    ['the task waits for approval', remedy].filter((part) => part !== undefined).join(': '),
  )
}
