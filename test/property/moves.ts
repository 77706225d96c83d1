/** Design §6, written out once more for the properties: which state may follow which, as the record tells it. */
import { expect } from 'vitest'
import { events, verified } from '../support/store.ts'
import type { SqliteSubject } from '../support/sqlite.ts'

const first = ['pending_approval', 'active', 'pending']
const moves: Record<'task' | 'lease', Record<string, string[]>> = {
  task: {
    pending_approval: ['active', 'denied', 'expired', 'revoked', 'completed'],
    active: ['completed', 'expired', 'revoked'],
  },
  lease: {
    pending: ['active', 'failed', 'revoking'],
    active: ['revoking', 'expired'],
    revoking: ['revoked', 'expired', 'irrevocable'],
    irrevocable: ['revoked', 'expired'],
  },
}

/** Expects that every task and lease has only ever gone from state to state as allowed, and that the tables say the same as the record. */
export async function expectAllowedMoves(store: SqliteSubject): Promise<void> {
  const states = new Map<string, string>()
  for (const { task, lease, status } of await events(store)) {
    const id = lease ?? task
    if (id === undefined || status === undefined) continue
    const before = states.get(id)
    const allowed =
      before === undefined
        ? first.includes(status)
        : before === status || moves[lease ? 'lease' : 'task'][before]?.includes(status)
    expect({ id, before, status, allowed }).toEqual({ id, before, status, allowed: true })
    states.set(id, status)
  }
  expect((await verified(store)).discrepancies).toEqual([])
}
