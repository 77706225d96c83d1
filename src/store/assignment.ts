/** What of all that is due is this broker's, where several write one store (docs/decisions/0041). */
import type { Tx } from '../base/unit.ts'
import { bound } from './transaction.ts'

/** For rows that are now this broker's to deal with: nothing where there is only one. */
export function assignedHere(tx: Tx): { broker?: string } {
  const { assignment } = bound(tx)
  return assignment ? { broker: assignment.id } : {}
}

/** Whether the row is another broker's that lives. */
export function isElsewhere(tx: Tx, { broker }: { broker: string | null }): boolean {
  return broker !== null && (bound(tx).assignment?.others.includes(broker) ?? false)
}

/** What `where` needs to leave out what is another's: nothing where there is no other. */
export function mineOnly(tx: Tx): string {
  return besides(bound(tx).assignment?.others ?? [])
}

/** The same for what this process did not begin itself under the name that it has now. */
export function inheritedOnly(tx: Tx): string {
  const { assignment } = bound(tx)
  return besides(assignment ? [...assignment.others, assignment.id] : [])
}

function besides(brokers: readonly string[]): string {
  if (brokers.length === 0) return ''
  // They are ids of ours, under the MACs of their rows: nothing that a quote could be in.
  return ` and (broker is null or broker not in (${brokers.map((id) => `'${id}'`).join()}))`
}
