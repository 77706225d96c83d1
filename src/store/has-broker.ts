/** Whether a broker has a store, as the store itself says. */
import type { Tx } from '../base/unit.ts'
import { holderOf } from './head.ts'
import { bound } from './transaction.ts'

/** One that has ended in good order has said so. One that has not may be running, or was killed. */
export async function hasBroker(tx: Tx): Promise<boolean> {
  const { statements, seal } = bound(tx)
  if (await holderOf(statements, seal)) return true
  return (await statements.all('select 1 from brokers where heir is null limit 1')).length > 0
}
