/** A group's yes that a task waits for, and what a store must do for approvals. */
import type { Stored } from '../base/damage.ts'
import type { Page, PageRequest } from '../base/page.ts'
import type { AskingPolicy } from '../policy/askers.ts'
import type { Tx } from '../base/unit.ts'

export const approvalStatuses = ['pending', 'granted', 'denied', 'expired'] as const
export type ApprovalStatus = (typeof approvalStatuses)[number]

/** A group's yes that a task waits for. */
export interface Approval {
  id: string
  task: string
  group: string
  /** What a yes is bound to: SHA-256 of the request's canonical JSON, hex. */
  digest: string
  /** Which policies ask for it, as it was when they did; absent where that was not kept. */
  policies?: AskingPolicy[]
  status: ApprovalStatus
  /** Milliseconds since 1970. */
  createdAt: number
  /** How it was settled; null while it is pending or when time settled it. */
  settled: Settlement | null
}

/** By what an approval is found whose row is damaged: it counts for nothing. */
export const approvalFoundBy = ['id', 'task', 'group'] as const satisfies (keyof Approval)[]
export type StoredApproval = Stored<Approval, (typeof approvalFoundBy)[number]>

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

export interface ApprovalFilter {
  id?: string
  task?: string
  /** The task's. */
  agent?: string
  owner?: string
  /** Agents that are the owner's now: what is of them is meant as well. */
  ownersAgents?: readonly string[]
  group?: string
  status?: ApprovalStatus
}

export interface ApprovalStore {
  insert(tx: Tx, approval: Approval): Promise<void>
  get(tx: Tx, id: string): Promise<StoredApproval | undefined>
  ofTask(tx: Tx, task: string): Promise<StoredApproval[]>
  list(tx: Tx, filter: ApprovalFilter, page: PageRequest): Promise<Page<StoredApproval>>
  /** Settles one that is pending; false, and nothing changed, where it is not. */
  settle(tx: Tx, id: string, status: 'granted' | 'denied', settlement: Settlement): Promise<boolean>
  /** Marks the still pending ones of the task as expired. */
  expire(tx: Tx, task: string): Promise<void>
}
