/** What is asked at every mint, or while everybody waits, must not grow with all that ever was. */
import { DatabaseSync } from 'node:sqlite'
import { expect, it, vi } from 'vitest'
import { fences } from '../../src/store/fences.ts'
import { type LookupName, lookups, sqlOf } from '../../src/store/looked-up.ts'
import { retention } from '../../src/store/retention.ts'
import { aTask, noon, put, putLeases } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

it('no query of the hot path reads a whole table', async () => {
  await using store = await sqliteStore()
  const altered = await store.unit.write((tx) => put(store, tx, aTask()))
  await store.beside(`update tasks set parent = 'x' where id = '${altered.id}'`)
  const [lease] = await putLeases(store, {})
  const { agent, identity, task, provider } = lease!
  const room = { provider, slot: 'role', whose: { agent, owner: 'a' }, now: noon }
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
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
  const asked = new Set(prepare.mock.calls.map(([sql]) => sql).filter((sql) => / from |^update/i.test(sql)))
  prepare.mockRestore()
  expect(asked.size).toBeGreaterThanOrEqual(20)
  const database = new DatabaseSync(store.path, { readOnly: true })
  const scanning = [...asked].filter((sql) =>
    database
      .prepare(`explain query plan ${sql}`)
      .all()
      .some(({ detail }) =>
        /^SCAN (leases|tasks|fences|approvals|delegations|idempotency|audit_events)\b/.test(String(detail)),
      ),
  )
  database.close()
  expect(scanning).toEqual([])
})

it.each([1, 2, 8, 64])('what is looked up by %i values goes by those, however much lives', async (size) => {
  await using store = await sqliteStore()
  using database = new DatabaseSync(store.path, { readOnly: true })
  for (const name of Object.keys(lookups) as LookupName[]) {
    const [{ detail } = {}] = database.prepare(`explain query plan ${sqlOf(name, size)}`).all()
    expect(detail, name).toMatch(new RegExp(`^SEARCH .* \\(${lookups[name].column}=\\?\\)$`))
  }
})
