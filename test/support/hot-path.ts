/** All that is asked of a store at a mint, or while everybody waits. */
import { expect } from 'vitest'
import { fences } from '../../src/store/fences.ts'
import { retention } from '../../src/store/retention.ts'
import { aTask, noon, put, putLeases, type StoreSubject } from './store.ts'

/** Puts in what it asks for, calls `begin`, and asks. */
export async function hotPath(store: StoreSubject, begin: () => void): Promise<void> {
  const altered = await store.unit.write((tx) => put(store, tx, aTask()))
  await store.beside(`update tasks set parent = 'x' where id = '${altered.id}'`)
  const [lease] = await putLeases(store, {})
  const { agent, identity, task, provider } = lease!
  const room = { provider, slot: 'role', whose: { agent, owner: 'a' }, now: noon }
  begin()
  const { leases, tasks } = store
  await store.unit.write(async (tx) => {
    await leases.lockHeld(tx, { agent, identity, tasks: [] })
    await leases.lockHeld(tx, { agent, identity, tasks: [task] })
    await leases.countUnfinished(tx, { agent }, task)
    await leases.whenFree(tx, { agent }, 1)
    await leases.whenFree(tx, { task }, 1)
    await leases.countLost(tx, { agent, owner: 'a' })
    await leases.slotsTaken(tx, room)
    await leases.countByStatus(tx)
    await leases.standing(tx, provider, noon)
    await leases.due(tx, noon, () => false)
    await leases.nextDue(tx, noon)
    await leases.adopt(tx, noon)
    await leases.taskOfSecret(tx, 'ab')
    await leases.ofCredential(tx, { hash: 'ab', fingerprints: ['a', 'b'] })
    await leases.find(tx, { task })
    await leases.move(tx, lease!.id, 'revoking', { dueAt: noon })
    await tasks.tree(tx, task)
    expect(await tasks.altered(tx)).toHaveLength(1)
    await tasks.due(tx, noon, 10)
    await tasks.nextDue(tx, noon)
    await tasks.find(tx, { agent, statuses: ['active'] })
    await tasks.byTokenHash(tx, 'ab')
    await tasks.countOpen(tx, { agent })
    await tasks.firstEnd(tx, { agent }, ['active', 'pending_approval'], 1)
    await tasks.openAfter(tx, undefined, 10)
    await tasks.openAfter(tx, { status: 'active', expiresAt: noon, ordinal: 1 }, 10)
    for await (const page of leases.unsettledKinds(tx)) expect(page.length).toBeGreaterThan(0)
    await tasks.overOf(tx, { issuer: 'https://ci.test', claims: { run_id: '1' } })
    await fences.byKeys(tx, ['all', 'agent a'])
    await store.approvals.ofTask(tx, task)
    await store.audit.list(tx, { lease: lease!.id }, { limit: 1 })
    await store.audit.list(tx, { task }, { limit: 1 })
    await store.audit.list(tx, { fingerprint: 'a' }, { limit: 1 })
    const { id } = await put(store, tx, aTask())
    await tasks.end(tx, id, 'completed', 'completed', noon)
    expect((await retention.pruneTasks(tx, noon + 1, undefined)).removed).toBe(1)
  })
}
