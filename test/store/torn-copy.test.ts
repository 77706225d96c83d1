/** A SQLite file without its log, which a broker had: whether it lacks anything is told by the head kept outside it, or not at all. */
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openSqlite } from '../../src/store/sqlite.ts'
import { besideFile, temporaryPath } from '../support/sqlite.ts'
import { aTask, put, storeTables, testSeal } from '../support/store.ts'

const seal = testSeal()
const lacking = expect.stringContaining('plain copy of the file of a running broker')

/** A store with a task, as it was while a broker had it, which is gone: `ends` of its files, in a folder of its own. */
async function left(...ends: string[]) {
  const { path, remove } = await temporaryPath()
  const lastHead = join(path, '..', 'head')
  const copy = join(path, '..', 'copy.db')
  const store = await openSqlite(path, seal, { lastHead })
  await store.unit.write((tx) => put(storeTables, tx, aTask()))
  for (const end of ends) copyFileSync(path + end, copy + end)
  copyFileSync(lastHead, `${lastHead}-then`)
  await store.close()
  return { copy, lastHead: `${lastHead}-then`, [Symbol.asyncDispose]: remove }
}

const open = (path: string, options: { lastHead?: string } = {}) => openSqlite(path, seal, options)
const opens = (store: Awaited<ReturnType<typeof open>>) =>
  store.unit.write((tx) => put(storeTables, tx, aTask()))

it('grants nothing without its log, whoever starts on it and however often, until it is accepted', async () => {
  await using files = await left('')
  for (let n = 0; n < 2; n += 1) {
    const store = await open(files.copy)
    expect(store.intrusion.doubts).toEqual([lacking])
    await expect(opens(store)).rejects.toHaveProperty('code', 'unavailable')
    await store.close()
  }
  const store = await open(files.copy)
  await store.accept(() => ({ at: 0, type: 'store.accepted', actor: 'broker' }))
  await opens(store)
  await store.close()
})

it('is served with its log: that is how a broker that was killed leaves it', async () => {
  await using files = await left('', '-wal')
  const store = await open(files.copy)
  await opens(store)
  await store.close()
})

it('lacks nothing where somebody has moved the log into it, which the head outside tells', async () => {
  await using files = await left('', '-wal')
  besideFile(files.copy, 'select count(*) from tasks')
  expect(existsSync(`${files.copy}-wal`)).toBe(false)
  const store = await open(files.copy, { lastHead: files.lastHead })
  expect(store.intrusion.doubts).toEqual([])
  await opens(store)
  await store.close()
})

it('is told by the head outside where it does lack something', async () => {
  await using files = await left('')
  const store = await open(files.copy, { lastHead: files.lastHead })
  expect(store.intrusion.doubts).toEqual([expect.stringContaining('head was kept outside it')])
  await store.close()
})

it('is let go of, whatever somebody has done beside it just before', async () => {
  const { path, remove } = await temporaryPath()
  const store = await open(path)
  await opens(store)
  besideFile(path, 'analyze')
  await store.close()
  const again = await open(path)
  expect(again.intrusion.doubts).toEqual([])
  await again.close()
  await remove()
})
