/** The tasks that a task hangs off: all of them have to stand for it to get anything (docs/decisions/0047). */
import type { OwnedAgent } from '../agents/registry.ts'
import { BrokerError } from '../base/errors.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { ofProvider } from '../leases/detail.ts'
import type { Tx } from '../base/unit.ts'
import { decideAfresh } from './afresh.ts'
import type { Rules, TaskContext } from './context.ts'
import { policyDenied } from './denial.ts'
import { endOfFenced, fencedTask } from './fenced.ts'
import { identityNow } from './identity.ts'
import type { EndReason, ScopeItem, StoredTask, Task } from './task.ts'
import { waitingRefusal } from './waiting.ts'

/** How many tasks one may hang off: `context.depth` is at most this. */
export const mostDepth = 8
/** How many tasks of one tree may be open: all of them end in one transaction. */
export const mostOpenInTree = 100

/** A task that others hang off, and its agent as it is configured now. */
export interface Ancestor {
  task: Task
  agent: OwnedAgent
}

/** The parent first. An ancestor that is missing, or whose row somebody else has written, stands for nothing. */
export async function ancestorsOf(
  { tasks }: Pick<TaskContext, 'tasks'>,
  tx: Tx,
  { parent }: Pick<Task, 'parent'>,
): Promise<StoredTask[]> {
  const found: StoredTask[] = []
  for (let id = parent; id !== null && found.length <= mostDepth;) {
    const task = await tasks.get(tx, id)
    if (!task) break
    found.push(task)
    id = 'damaged' in task ? null : task.parent
  }
  return found
}

/**
 * Those ancestors as they stand under the rules of this moment, the parent first; or why what hangs
 * off them may have nothing, and why it would end. `details` are what it would mint now.
 */
export async function standingAbove(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  child: Pick<Task, 'parent'>,
  details: readonly ResolvedDetail[],
): Promise<{ above: Ancestor[] } | { refused: BrokerError; lapsed: EndReason }> {
  const above: Ancestor[] = []
  if (child.parent === null) return { above }
  const now = context.clock.now()
  const chain = await ancestorsOf(context, tx, child)
  for (const task of chain) {
    if (task.status === 'pending_approval' && task.expiresAt > now)
      return { refused: await waitingRefusal(context, tx, task), lapsed: 'parent_ended' }
    if ('damaged' in task || task.status !== 'active' || task.expiresAt <= now) return parentOver()
    const fenced = await fencedTask(context, tx, rules, task, details)
    if (fenced) return { refused: fenced, lapsed: endOfFenced(fenced) }
    const identity = identityNow(rules, task, now)
    if ('lapsed' in identity) return { refused: identity.refusal, lapsed: identity.lapsed }
    above.push({ task, agent: identity.agent })
  }
  // A chain that leads to no task of its own was cut by somebody else.
  return above.at(-1)?.task.parent === null ? { above } : parentOver()
}

function parentOver() {
  return {
    refused: new BrokerError('task_not_active', 'the task that this one hangs off is not active'),
    lapsed: 'parent_ended',
  } as const
}

/**
 * Why a task that is bounded by those above it may not have `details` (invariant I8): they must lie
 * within each task that bounds it, and that task could have them itself at this moment.
 */
export async function boundsRefusal(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { bounded, above }: { bounded: Task['bounded']; above: readonly Ancestor[] },
  details: readonly ResolvedDetail[],
): Promise<BrokerError | undefined> {
  let isBounded = bounded !== undefined
  for (const { task, agent } of above) {
    if (!isBounded) return undefined
    const outside = outsideOf(task.scope, details)
    if (outside) return outside
    const { decision } = await decideAfresh(context, tx, rules, task, { agent, details })
    if (decision.outcome === 'denied') return policyDenied(decision.denials)
    if (decision.outcome === 'pending_approval')
      return policyDenied(
        [],
        `${task.id}, which this hangs off, would need a yes of ${decision.approvals.join(' and ')} for it now`,
      )
    isBounded = task.bounded !== undefined
  }
  return undefined
}

/** `out_of_scope` where one of the details does not lie within one of `scope`. */
export function outsideOf(
  scope: readonly ScopeItem[],
  details: readonly ResolvedDetail[],
  what = 'the authorization_details of the task that it would hang off',
): BrokerError | undefined {
  const outside = details.flatMap((each, index) => (covering(scope, each).length > 0 ? [] : [index]))
  if (outside.length === 0) return undefined
  const named = outside.map((index) => `authorization_details.${index}`).join(', ')
  return new BrokerError('out_of_scope', `${named}: not within ${what}`)
}

/** The items of the scope within which the detail lies. */
export function covering(scope: readonly ScopeItem[], { entry, detail }: ResolvedDetail): ScopeItem[] {
  return scope.filter(
    (item) =>
      item.provider === entry.provider.type &&
      item.connection === entry.name &&
      entry.terms.covers(ofProvider(item.detail), detail),
  )
}

/** Who acts for whom (RFC 8693 §4.1): the agent itself, and within it those that it acts for, up to the first. */
export interface Act {
  sub: string
  task: string
  act?: Act
}

/** Undefined for a task of its own, which acts for nobody. */
export function actOf(
  task: Pick<Task, 'id' | 'agent'>,
  above: readonly Pick<Task, 'id' | 'agent'>[],
): Act | undefined {
  if (above.length === 0) return undefined
  return [task, ...above].reduceRight<Act | undefined>(
    (act, { id, agent }) => ({ sub: agent, task: id, ...(act && { act }) }),
    undefined,
  )
}
