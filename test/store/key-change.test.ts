/** What grants moves to the seal key that is current, so that the one before can be retired. */
import { StatementSync } from 'node:sqlite'
import { expect, it, vi } from 'vitest'
import { createSeal } from '../../src/base/seal.ts'
import { federationKeys } from '../../src/store/installation.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import { aTask, noon, put, putLeases, sealKey, verified } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

const [k1, k2] = [sealKey('k1', 1), sealKey('k2', 2)]

it('all that is open is under the new key, and what is over stays under the old one', async () => {
  await using store = await sqliteStore(createSeal([k1]))
  const [open, over] = await store.unit.write(async (tx) => {
    await store.usedTokens.use(tx, 'spent', noon)
    return [await put(store, tx, aTask()), await put(store, tx, aTask({ status: 'completed' }))]
  })
  await putLeases(store, {}, { status: 'revoked', dueAt: null, handle: null })
  store.seal.rekey([k2, k1])
  const inUse = () => store.unit.read((tx) => federationKeys.sealKeysInUse(tx))
  const written = () => store.unit.write((tx) => federationKeys.sealKeysInUse(tx))
  expect(await written()).toEqual(['k1'])
  await store.reseal()
  expect(await written()).toEqual(['k2'])
  expect(await inUse()).toEqual([])
  store.seal.rekey([k2])
  await store.reopen()
  const get = (id: string) => store.unit.write((tx) => store.tasks.get(tx, id))
  expect(await get(open!.id)).toEqual(open)
  expect(await get(over!.id)).toHaveProperty('damaged')
  // It is no sign of anybody's hand: no alarm, nothing to accept, and no agent kept out by `reopen: false`.
  expect(store.intrusion()).toEqual({ doubts: [], damaged: [] })
  const session = { issuer: 'https://ci.test', claims: { run_id: '1' } }
  expect(await store.unit.write((tx) => store.tasks.overOf(tx, session))).toEqual([])
  const { discrepancies } = await verified(store)
  expect(discrepancies.filter(({ key }) => key !== 'k1' && key !== undefined)).toEqual([])
  expect(discrepancies).toContainEqual({
    key: 'k1',
    message: 'rows of tasks are under the seal key k1, which is not configured',
  })
})

it('what is put under the new key once more, because the disk was full for a moment, is all put under it', async () => {
  await using store = await sqliteStore(createSeal([k1]))
  await store.unit.write(async (tx) => {
    for (let n = 0; n < 450; n += 1) await store.usedTokens.use(tx, `token ${n}`, noon)
  })
  store.seal.rekey([k2, k1])
  const { run } = StatementSync.prototype
  let isRefused = false
  vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
    if (isRefused || !this.sourceSQL.startsWith('update "used_tokens"'))
      return run.apply(this, values as never)
    isRefused = true
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
  })
  await store.reseal()
  vi.restoreAllMocks()
  expect(isRefused).toBe(true)
  const rows = await store.unit.read((tx) => rowsIn(tx).where('used_tokens', 'true', []))
  expect(rows).toHaveLength(450)
  expect(rows.filter(({ row_mac: mac }) => !mac?.startsWith('k2.'))).toEqual([])
})
