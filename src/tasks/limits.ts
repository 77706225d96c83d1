/** How much an agent, or each person whose it is, may have at once: counted in the store, so that it holds across restarts and between configurations. */
import type { Share } from '../agents/registry.ts'
import { BrokerError } from '../base/errors.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { Tx } from '../base/unit.ts'
import type { Rules, TaskContext } from './context.ts'
import { openStatuses, type Task } from './task.ts'

/** Why the share may not have one more task, which would wait for approval where `pending`. */
export async function openRefusal(
  { tasks, clock }: TaskContext,
  tx: Tx,
  { limits }: Rules,
  whose: Share,
  pending: boolean,
): Promise<BrokerError | undefined> {
  const open = await tasks.countOpen(tx, whose)
  if (open.all >= limits.openTasks)
    return exceeded(
      `${named(whose)} has ${open.all} open tasks, of at most ${limits.openTasks}; complete those that are done`,
      secondsUntil(await tasks.firstEnd(tx, whose, openStatuses, open.all - limits.openTasks), clock.now()),
    )
  if (pending && open.pending >= limits.pendingApprovals)
    return exceeded(
      `${open.pending} tasks of ${named(whose)} wait for approval, of at most ${limits.pendingApprovals}`,
      secondsUntil(
        await tasks.firstEnd(tx, whose, ['pending_approval'], open.pending - limits.pendingApprovals),
        clock.now(),
      ),
    )
  return undefined
}

/**
 * How many leases of an agent may have an outcome that nobody saw before its mints are tried
 * one at a time: each leaves a row until the last moment at which it could be alive.
 */
const mostLost = 1000
const lostPauseMs = 10_000

/**
 * Why the task may not mint what is asked just now. A credential that was lost between upstream
 * and here was never delivered, so it is not charged like what is held: when upstream is well
 * again, the next mint works. Only while all that is asked of a connection goes on being lost,
 * and much has been, does the agent have to wait between one and the next.
 */
export async function leaseRefusal(
  { leases, clock }: TaskContext,
  tx: Tx,
  { limits, agents }: Rules,
  task: Task,
  { entry }: ResolvedDetail,
): Promise<BrokerError | undefined> {
  const now = clock.now()
  const share = agents.shareOf(task.agent, task.owner)
  const live = await leases.countUnfinished(tx, share, task.id)
  for (const whose of ['task', 'agent'] as const) {
    const most = limits.liveLeases[whose]
    if (live[whose] < most) continue
    const ofTask = whose === 'task'
    const { active, next } = await leases.whenFree(tx, ofTask ? { task: task.id } : share, most)
    const how = active > 0 ? 'give one back' : 'they are being minted or revoked'
    return exceeded(
      `${ofTask ? 'this task' : named(share)} has ${live[whose]} live leases, of at most ${most}; ${how}`,
      secondsUntil(next, now),
    )
  }
  const lost = await leases.countLost(tx, share)
  if (lost < mostLost) return undefined
  const on = { ...share, provider: entry.provider.type, connection: entry.name }
  const last = await leases.lastUnanswered(tx, on)
  if (last === null || last + lostPauseMs <= now) return undefined
  return exceeded(
    `${lost} credentials of ${named(share)} were lost on their way here, the last one too; the next is tried soon`,
    secondsUntil(last + lostPauseMs, now),
  )
}

function named({ owner }: Share): string {
  return owner === undefined ? 'this agent' : `${owner}, as this agent,`
}

function exceeded(message: string, retryAfter: number): BrokerError {
  return new BrokerError('limit_exceeded', message, { retryAfter })
}

/** When there surely is room again, if nobody makes it before. */
function secondsUntil(at: number | null, now: number): number {
  return Math.max(1, Math.ceil(((at ?? now) - now) / 1000) || 1)
}
