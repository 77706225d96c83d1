/** Suspended agents: what a store must do for them, and how they are refused. */
import { BrokerError } from '../errors.ts'
import type { Tx } from '../unit.ts'

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

/** `agent_suspended` for an agent that is. */
export async function suspensionRefusal(
  suspensions: SuspensionStore,
  tx: Tx,
  agent: string,
): Promise<BrokerError | undefined> {
  if (!(await suspensions.get(tx, agent))) return undefined
  return new BrokerError('agent_suspended', `agent ${agent} is suspended`)
}
