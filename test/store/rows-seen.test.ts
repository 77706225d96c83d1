/** A row that a transaction has read is not read in it again, and is as it stands by then. */
import { StatementSync } from 'node:sqlite'
import { afterEach, expect, test, vi } from 'vitest'
import { rowsIn } from '../../src/store/transaction.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aTask, noon, put, putLeases } from '../support/store.ts'

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
