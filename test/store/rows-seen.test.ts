/** A row that a transaction has read is not read in it again, and is as it stands by then. */
import { StatementSync } from 'node:sqlite'
import { afterEach, expect, test, vi } from 'vitest'
import { fences } from '../../src/store/fences.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aTask, noon, put, putLeases } from '../support/store.ts'
import { still } from '../support/still.ts'

afterEach(() => vi.restoreAllMocks())

test('what a work has read and changed is found as it has left it, read once', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, {})
  const { id, task } = lease!
  await store.unit.write(async (tx) => {
    const [found] = await store.leases.find(tx, { task })
    const reads = vi.spyOn(StatementSync.prototype, 'all')
    expect(await store.leases.get(tx, id)).toEqual(found)
    await store.leases.move(tx, id, 'revoking', { dueAt: noon })
    expect(await store.leases.get(tx, id)).toEqual({ ...found, status: 'revoking', dueAt: noon })
    expect(reads).not.toHaveBeenCalled()
  })
  expect(await store.unit.read((tx) => store.leases.get(tx, id))).toMatchObject({ status: 'revoking' })
})

test('what one work has read is not what the next one finds', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, {})
  const { id } = lease!
  const statuses = await Promise.all(
    (['revoking', 'irrevocable', 'revoked'] as const).map((status) =>
      store.unit.write(async (tx) => {
        const before = await store.leases.get(tx, id)
        await store.leases.move(tx, id, status, { dueAt: noon })
        return before?.status
      }),
    ),
  )
  expect(statuses).toEqual([lease!.status, 'revoking', 'irrevocable'])
})

test('what a work has removed is not found in it', async () => {
  await using store = await sqliteStore()
  const task = await store.unit.write((tx) => put(store, tx, aTask()))
  await store.unit.write(async (tx) => {
    const rows = rowsIn(tx)
    await rows.remove('tasks', (await rows.one('tasks', 'id', task.id))!)
    expect(await store.tasks.get(tx, task.id)).toBeUndefined()
  })
})

test('whether there are fences is asked once in a commit, and a work sees what one before it has put there', async () => {
  using _still = still()
  await using store = await sqliteStore()
  const fence = { agents: [], reason: 'incident', by: 'ops@example.com', at: noon, until: null }
  const reads = vi.spyOn(StatementSync.prototype, 'all')
  const put = (id: string) =>
    store.unit.write(async (tx) => {
      const any = await fences.any(tx)
      await fences.insert(tx, { id, selector: { all: true }, ...fence }, 'all')
      return any
    })
  const failing = store.unit
    .write(async (tx) => {
      await fences.insert(tx, { id: 'fence_0', selector: { all: true }, ...fence }, 'all')
      throw new Error('nothing of it is kept')
    })
    .catch(() => undefined)
  const [, , second] = await Promise.all([failing, put('fence_1'), put('fence_2')])
  expect(second).toBe(true)
  // One of them is the commit's own, who else has written.
  expect(reads.mock.calls).toHaveLength(2)
  const listed = await store.unit.read((tx) => fences.find(tx, {}))
  expect(listed.map(({ id }) => id)).toEqual(['fence_1', 'fence_2'])
})
