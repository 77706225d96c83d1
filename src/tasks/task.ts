/** One unit of work by one agent, and what a store must do for tasks. */
import type { Share } from '../agents/registry.ts'
import type { Principal } from '../identity/principal.ts'
import type { Session } from '../identity/session.ts'
import type { Stored } from '../base/damage.ts'
import type { Page, PageRequest } from '../base/page.ts'
import { predecessorsIn } from '../base/states.ts'
import type { About, Tx } from '../base/unit.ts'

export const taskStatuses = [
  'pending_approval',
  'active',
  'denied',
  'expired',
  'revoked',
  'completed',
] as const
export type TaskStatus = (typeof taskStatuses)[number]

/** States in which a task is not over. */
export const openStatuses = ['pending_approval', 'active'] as const satisfies TaskStatus[]

export const endReasons = [
  'completed',
  'deadline',
  'revoked',
  'policy_changed',
  'agent_suspended',
  'agent_expired',
  'context_changed',
  'heartbeat_missed',
  'parent_ended',
  'denied',
  'approval_expired',
] as const
export type EndReason = (typeof endReasons)[number]

/** The state in which each reason leaves a task. */
export const endStatus: Record<EndReason, TaskStatus> = {
  completed: 'completed',
  deadline: 'expired',
  revoked: 'revoked',
  policy_changed: 'revoked',
  agent_suspended: 'revoked',
  agent_expired: 'revoked',
  context_changed: 'revoked',
  heartbeat_missed: 'revoked',
  parent_ended: 'revoked',
  denied: 'denied',
  approval_expired: 'expired',
}

/** Which state may follow which (design §6). */
const successors: Record<TaskStatus, readonly TaskStatus[]> = {
  pending_approval: ['active', 'denied', 'expired', 'revoked', 'completed'],
  active: ['completed', 'expired', 'revoked'],
  denied: [],
  expired: [],
  revoked: [],
  completed: [],
}

/** The states from which one can be reached: every change of state asks for them. */
export const predecessors = predecessorsIn(successors)

/** One authorization detail of a task, and the connection that serves it. */
export interface ScopeItem {
  provider: string
  connection: string
  /** Normalised, with the connection that was named, if one was. */
  detail: unknown
}

/**
 * How far a task's parent bounds it: `attenuated`, opened in the parent for another agent, or
 * `delegated`, opened by another agent with what the parent handed on. All that hangs off either
 * lies within it.
 */
export const bounds = ['attenuated', 'delegated'] as const
export type Bound = (typeof bounds)[number]

/** Times are milliseconds since 1970. */
export interface Task {
  id: string
  status: TaskStatus
  agent: string
  owner: string
  principal: Principal
  /** The one that opened it; absent where the token named none. */
  session?: Session
  /** The caller's own words. */
  purpose: string
  scope: ScopeItem[]
  /** Seconds. */
  ttl: number
  /** The caller's own words. */
  context: Record<string, string>
  parent: string | null
  /** The task of its own at the top of this task's tree; itself for such a task. */
  root: string
  /** 0 for a task of its own, 1 for a child, … */
  depth: number
  /** Absent where what it may is decided as for a task of its own. */
  bounded?: Bound
  /** Seconds within which its workload has to be heard; absent where nobody listens. */
  heartbeat?: number
  /** When it counts as silent unless it is heard before; while it is active, and only with a heartbeat. */
  silentAt?: number
  createdAt: number
  /** The deadline; while pending, when the wait for approval ends. */
  expiresAt: number
  endedAt: number | null
  endReason: EndReason | null
}

/** By what a task is found and ended whose row is damaged: it gets nothing more. */
export const taskFoundBy = [
  'id',
  'status',
  'agent',
  'owner',
  'expiresAt',
  'endedAt',
] as const satisfies (keyof Task)[]
export type StoredTask = Stored<Task, (typeof taskFoundBy)[number]>

/** The part of every audit event about the task that does not change. */
export function aboutTask({ id, agent, owner }: Pick<Task, 'id' | 'agent' | 'owner'>) {
  return { agent, owner, task: id }
}

export interface TaskFilter {
  id?: string
  agent?: string
  owner?: string
  /** Agents that are the owner's now: what is of them is meant as well. */
  ownersAgents?: readonly string[]
  issuer?: string
  statuses?: readonly TaskStatus[]
}

/** Up to where the open tasks have been gone through. */
export interface OpenCursor {
  status: (typeof openStatuses)[number]
  expiresAt: number
  ordinal: number
}

/** Columns of an open task on which hangs what policy says of it. */
export const tellingColumns = [
  'id',
  'status',
  'agent',
  'owner',
  'bounded',
  'scope',
  'principal',
  'purpose',
  'ttl',
  'depth',
  'context',
] as const

/** An open task as its row has it, neither checked nor parsed: to guess by, and to decide nothing by. */
export type OpenRow = Readonly<Record<(typeof tellingColumns)[number], unknown>>

export interface TaskStore {
  insert(tx: Tx, task: Task, tokenHash: string): Promise<void>
  get(tx: Tx, id: string): Promise<StoredTask | undefined>
  byTokenHash(tx: Tx, hash: string): Promise<StoredTask | undefined>
  /** Gives the task another token; the one before is good for nothing from then on. */
  replaceToken(tx: Tx, id: string, tokenHash: string): Promise<void>
  /** In order of creation. */
  find(tx: Tx, filter: TaskFilter): Promise<StoredTask[]>
  list(tx: Tx, filter: TaskFilter, page: PageRequest): Promise<Page<StoredTask>>
  /** The next open tasks after `cursor`, in no order that means anything; `next` is undefined at their end. */
  openAfter(
    tx: Tx,
    cursor: OpenCursor | undefined,
    limit: number,
  ): Promise<{ tasks: StoredTask[]; next: OpenCursor | undefined }>
  /** The same tasks in the same order, as cheaply as they can be had. */
  openRowsAfter(
    tx: Tx,
    cursor: OpenCursor | undefined,
    limit: number,
  ): Promise<{ rows: OpenRow[]; next: OpenCursor | undefined }>
  /** The share's open tasks, and those of them that wait for approval. */
  countOpen(tx: Tx, whose: Share): Promise<{ all: number; pending: number }>
  /** How many are open of all agents, by state: from what is counted as it is written. */
  countByStatus(tx: Tx): Promise<Partial<Record<TaskStatus, number>>>
  /** When the first of the share's tasks in these states is over at the latest, `besides` so many that are over before it. */
  firstEnd(tx: Tx, whose: Share, statuses: readonly TaskStatus[], besides: number): Promise<number | null>
  /** From `pending_approval` to `active`; false, and nothing changed, where it is not pending. */
  activate(tx: Tx, id: string, expiresAt: number, silentAt?: number): Promise<boolean>
  /** Sets when the task counts as silent, if it is active and listened to. */
  hear(tx: Tx, id: string, silentAt: number): Promise<void>
  /** Moves the task to `status` if the state it is in allows it; false, and nothing changed, where it does not. */
  end(tx: Tx, id: string, status: TaskStatus, reason: EndReason, at: number): Promise<boolean>
  /** The tasks that this session has opened and that are over, and those that are damaged: they may be any session's. */
  overOf(tx: Tx, session: Session): Promise<StoredTask[]>
  /**
   * Those that somebody has altered and whose end would still find something to do, also in what hangs
   * off them. Each may hang off any other task, and be anybody's, whatever it says.
   */
  altered(tx: Tx): Promise<StoredTask[]>
  /** Ids of every task with this root, ended ones too, and of those that are altered and hold something: they may have any root. */
  tree(tx: Tx, root: string): Promise<string[]>
  /** Asks for what is looked up to do that to these tasks, all in one go: else each question waits for the one before. */
  lookUp(tx: Tx, ids: readonly string[], ...purposes: NonNullable<About['to']>[]): Promise<void>
  /** Tasks that hang off this one itself and are not over. */
  openChildren(tx: Tx, id: string): Promise<StoredTask[]>
  /** Every task that hangs off this one, however far below, ended ones too, and with them those that are `altered`. */
  below(tx: Tx, id: string): Promise<StoredTask[]>
  /** How many tasks with this root are open, and when the first of them is over at the latest. */
  openInTree(tx: Tx, root: string): Promise<{ count: number; firstEnd: number | null }>
  /** Open tasks whose `expiresAt`, or `silentAt`, is at or before `now`, the longest due first. */
  due(tx: Tx, now: number, limit: number): Promise<StoredTask[]>
  /** When the next open task expires, or counts as silent, after `now`. */
  nextDue(tx: Tx, now: number): Promise<number | undefined>
}
