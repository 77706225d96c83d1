import { describe, expect, it } from 'vitest'
import { aTask, events, note, put } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

describe('closing a SQLite store', () => {
  it('first does every work that waits', async () => {
    await using store = await sqliteStore()
    // More than share one commit.
    const works = Array.from({ length: 250 }, (_, n) =>
      store.unit.write(async (tx) => note(store, tx, { n })),
    )
    await store.close()
    expect((await Promise.allSettled(works)).filter(({ status }) => status === 'rejected')).toEqual([])
    await store.reopen()
    expect(await events(store)).toHaveLength(250)
  })

  it('first lets a read that is under way finish', async () => {
    await using store = await sqliteStore()
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const begun = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const reading = store.unit.read(async (tx) => {
      begun.resolve()
      await gate.promise
      return await store.tasks.get(tx, task.id)
    })
    await begun.promise
    const closing = store.close()
    gate.resolve()
    expect(await reading).toEqual(task)
    await closing
  })

  it('leaves whoever comes later with `unavailable`, not waiting for ever', async () => {
    await using store = await sqliteStore()
    await store.close()
    await expect(store.unit.write(async (tx) => note(store, tx))).rejects.toHaveProperty(
      'code',
      'unavailable',
    )
    await expect(store.unit.write(async () => 1)).rejects.toHaveProperty('code', 'unavailable')
    await expect(store.unit.read((tx) => store.audit.head(tx))).rejects.toHaveProperty('code', 'unavailable')
  })
})
