/** One unit of work by one agent, and what a store must do for tasks. */
import type { Page, PageRequest } from '../page.ts'
import type { Tx } from '../unit.ts'
import type { Principal } from '../identity/principal.ts'

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
export const open = ['pending_approval', 'active'] as const satisfies TaskStatus[]

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

const successors: Record<TaskStatus, readonly TaskStatus[]> = {
  pending_approval: ['active', 'denied', 'expired', 'revoked', 'completed'],
  active: ['completed', 'expired', 'revoked'],
  denied: [],
  expired: [],
  revoked: [],
  completed: [],
}

function canFollow(from: TaskStatus, to: TaskStatus): boolean {
  return successors[from].includes(to)
}

/** The states from which `to` can be reached. */
export function predecessors(to: TaskStatus): TaskStatus[] {
  return taskStatuses.filter((from) => canFollow(from, to))
}

/** One authorization detail of a task, and the connection that serves it. */
export interface ScopeItem {
  provider: string
  connection: string
  /** Normalised by its provider. */
  detail: unknown
}

/** Times are milliseconds since 1970. */
export interface Task {
  id: string
  status: TaskStatus
  agent: string
  owner: string
  principal: Principal
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
  createdAt: number
  /** The deadline; while pending, when the wait for approval ends. */
  expiresAt: number
  endedAt: number | null
  endReason: EndReason | null
  /** Set when the stored row cannot be read: what is wrong with it. It can be ended, and nothing else. */
  damaged?: string
}

export const approvalStatuses = ['pending', 'granted', 'denied', 'expired'] as const
export type ApprovalStatus = (typeof approvalStatuses)[number]

/** A group's yes that a task waits for. */
export interface Approval {
  id: string
  task: string
  group: string
  /** What a yes is bound to: SHA-256 of the request's canonical JSON, hex. */
  digest: string
  status: ApprovalStatus
  /** Milliseconds since 1970. */
  createdAt: number
  /** How it was settled; null while it is pending or when time settled it. */
  settled: Settlement | null
}

/** A human's answer. */
export interface Settlement {
  /** `ISSUER:SUBJECT` */
  by: string
  /** Milliseconds since 1970. */
  at: number
  /** Their own words. */
  reason: string | null
  /** Over all of the above: a yes written straight into the table is none. */
  mac: string
  /** The id of the seal key under which `mac` was made. */
  key: string
}

export interface TaskFilter {
  id?: string
  agent?: string
  owner?: string
  issuer?: string
  statuses?: readonly TaskStatus[]
}

export interface TaskStore {
  insert(tx: Tx, task: Task, tokenHash: string): Promise<void>
  get(tx: Tx, id: string): Promise<Task | undefined>
  byTokenHash(tx: Tx, hash: string): Promise<Task | undefined>
  /** Gives the task another token; the one before is good for nothing from then on. */
  replaceToken(tx: Tx, id: string, tokenHash: string): Promise<void>
  /** In order of creation. */
  find(tx: Tx, filter: TaskFilter): Promise<Task[]>
  list(tx: Tx, filter: TaskFilter, page: PageRequest): Promise<Page<Task>>
  /** From `pending_approval` to `active`; false, and nothing changed, where it is not pending. */
  activate(tx: Tx, id: string, expiresAt: number): Promise<boolean>
  /** Moves the task to `status` if the state it is in allows it; false, and nothing changed, where it does not. */
  end(tx: Tx, id: string, status: TaskStatus, reason: EndReason, at: number): Promise<boolean>
  /** Ids of every task with this root, ended ones too. */
  tree(tx: Tx, root: string): Promise<string[]>
  /** Open tasks whose `expiresAt` is at or before `now`, the longest due first. */
  due(tx: Tx, now: number, limit: number): Promise<Task[]>
  /** When the next open task expires after `now`. */
  nextDue(tx: Tx, now: number): Promise<number | undefined>
}

export interface ApprovalFilter {
  id?: string
  task?: string
  /** The task's. */
  agent?: string
  owner?: string
  group?: string
  status?: ApprovalStatus
}

export interface ApprovalStore {
  insert(tx: Tx, approval: Approval): Promise<void>
  get(tx: Tx, id: string): Promise<Approval | undefined>
  ofTask(tx: Tx, task: string): Promise<Approval[]>
  list(tx: Tx, filter: ApprovalFilter, page: PageRequest): Promise<Page<Approval>>
  /** Settles one that is pending; false, and nothing changed, where it is not. */
  settle(tx: Tx, id: string, status: 'granted' | 'denied', settlement: Settlement): Promise<boolean>
  /** Marks the still pending ones of the task as expired. */
  expire(tx: Tx, task: string): Promise<void>
}

/** An agent that may do nothing until it is resumed. */
export interface Suspension {
  agent: string
  /** `ISSUER:SUBJECT` */
  by: string
  /** Their own words. */
  reason: string
  /** Milliseconds since 1970. */
  at: number
}

export interface SuspensionStore {
  get(tx: Tx, agent: string): Promise<Suspension | undefined>
  all(tx: Tx): Promise<Suspension[]>
  put(tx: Tx, suspension: Suspension): Promise<void>
  /** False where the agent was not suspended. */
  remove(tx: Tx, agent: string): Promise<boolean>
}

/** What an `Idempotency-Key` stands for. */
export interface Remembered {
  /** SHA-256, hex, of whose key it is and the key. */
  key: string
  /** SHA-256, hex, of the request. */
  digest: string
  task: string
  /** The lease minted last under the key. */
  lease: string | null
  /** Milliseconds since 1970. */
  until: number
}

export interface IdempotencyStore {
  get(tx: Tx, key: string): Promise<Remembered | undefined>
  put(tx: Tx, remembered: Remembered): Promise<void>
  forget(tx: Tx, before: number): Promise<number>
}
