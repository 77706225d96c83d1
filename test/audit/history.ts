/** A store with a history: a task, three leases in different states, and an event for each change. */
import type { Lease } from '../../src/leases/lease.ts'
import { createSeal, type Seal } from '../../src/base/seal.ts'
import type { Task } from '../../src/tasks/task.ts'
import { aLease, aTask, noon, put, sealKey } from '../support/store.ts'
import { type SqliteSubject, sqliteStore } from '../support/sqlite.ts'

export interface History extends SqliteSubject {
  task: Task
  /** The first two are active, and the third is revoked. */
  held: [Lease, Lease, Lease]
}

/** Events 1 to 8: one for the task, three intents, three mints, one revocation. */
export async function history(seal: Seal = createSeal([sealKey('k1', 1)])): Promise<History> {
  const store = await sqliteStore(seal)
  const task = aTask()
  const about = { agent: task.agent, owner: task.owner, task: task.id }
  const event = { at: noon, actor: 'broker', ...about } as const
  const held: [Lease, Lease, Lease] = [
    aLease(task, {}, seal),
    aLease(task, {}, seal),
    aLease(task, { status: 'revoked', handle: null, secretHash: null, dueAt: null }, seal),
  ]
  await store.unit.write(async (tx) => {
    await put(store, tx, task)
    store.audit.record(tx, {
      ...event,
      type: 'task.opened',
      status: 'active',
      data: { purpose: task.purpose },
    })
    for (const lease of held) {
      await store.leases.insert(tx, lease)
      store.audit.record(tx, { ...event, type: 'lease.intended', lease: lease.id, status: 'pending' })
    }
  })
  await store.unit.write(async (tx) => {
    for (const { id: lease, fingerprint } of held)
      store.audit.record(tx, {
        ...event,
        type: 'lease.minted',
        lease,
        status: 'active',
        data: { fingerprint },
      })
    store.audit.record(tx, { ...event, type: 'lease.revoked', lease: held[2].id, status: 'revoked' })
  })
  return { ...store, task, held }
}
