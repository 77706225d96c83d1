/** Whether anything can be written is known from what was last tried, and tried again where nobody else does. */
import { StatementSync } from 'node:sqlite'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openSqlite } from '../../src/store/sqlite.ts'
import { noon, storeTables, testSeal } from '../support/store.ts'
import { temporaryPath } from '../support/sqlite.ts'

it('a store on a full disk takes nothing, says so, and is found to take writes again without any', async () => {
  const { path, remove } = await temporaryPath()
  onTestFinished(remove)
  const store = await openSqlite(path, testSeal())
  onTestFinished(() => store.close())
  await store.lookedThrough()
  const write = () =>
    store.unit.write(async (tx) =>
      storeTables.audit.record(tx, { at: noon, type: 'broker.started', actor: 'broker' }),
    )
  await write()
  await store.ready()

  const { run } = StatementSync.prototype
  let writes = 0
  vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
    if (!this.sourceSQL.includes('into audit_head')) return run.apply(this, values as never)
    writes += 1
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
  })
  onTestFinished(() => void vi.restoreAllMocks())
  await expect(write()).rejects.toThrow('the store cannot be written')
  await expect(store.ready()).rejects.toThrow('the store cannot be written')
  const before = writes
  // What has nothing to write tells nothing.
  await store.unit.write(async () => undefined)
  expect(writes).toBe(before)
  await expect(store.ready()).rejects.toThrow('the store cannot be written')
  await expect(store.look()).rejects.toThrow('disk is full')
  await expect(store.ready()).rejects.toThrow('the store cannot be written')

  vi.restoreAllMocks()
  await store.look()
  await store.ready()
  await store.lookedThrough()
  expect(store.intrusion).toEqual({ doubts: [], damaged: [] })
})
