/** A part of a task that was handed on to another agent, and what a store must do for it. */
import type { Stored } from '../base/damage.ts'
import type { Tx } from '../base/unit.ts'
import type { ScopeItem } from './task.ts'

export interface Delegation {
  /** `dlg_…`, as the record names it. */
  id: string
  /** SHA-256 of its token, hex: all that is kept of that. */
  hash: string
  /** The task that hands it on, and that what is opened hangs off. */
  task: string
  /** The one that may use it. */
  agent: string
  /** What may be asked for at most. */
  scope: ScopeItem[]
  /** Seconds that what is opened may live at most; null: as the agent may. */
  ttl: number | null
  /** Milliseconds since 1970. */
  until: number
  /** The task that was opened with it. */
  usedBy: string | null
}

/** Of a row that is damaged nothing holds. */
export type StoredDelegation = Stored<Delegation, never>

export interface DelegationStore {
  insert(tx: Tx, delegation: Delegation): Promise<void>
  get(tx: Tx, hash: string): Promise<StoredDelegation | undefined>
  /** Puts down what was opened with it. */
  use(tx: Tx, hash: string, task: string): Promise<void>
  /** Forgets those that were good until `before` at most. Returns how many. */
  forget(tx: Tx, before: number): Promise<number>
}
