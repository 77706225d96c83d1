import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { aTask, events, note, put, verified } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { still } from '../support/still.ts'

/**
 * Commits that the write-ahead log holds: its frames that carry the size of the
 * database after a commit (https://sqlite.org/fileformat2.html#the_write_ahead_log, §4.1).
 */
async function commits(path: string): Promise<number> {
  const wal = await readFile(`${path}-wal`)
  const frame = 24 + wal.readUInt32BE(8)
  const sizes = Array.from({ length: Math.floor((wal.length - 32) / frame) }, (_, index) =>
    wal.readUInt32BE(32 + index * frame + 4),
  )
  return sizes.filter((size) => size > 0).length
}

describe('commits to a SQLite file', () => {
  it('are shared by works that arrive together', async () => {
    using _still = still()
    await using store = await sqliteStore()
    const together = (works: number) =>
      Promise.all(
        Array.from({ length: works }, (_, n) => store.unit.write(async (tx) => note(store, tx, { n }))),
      )
    // What is compiled by then takes no more than a commit takes in.
    await together(80)
    const before = await commits(store.path)
    await together(40)
    expect(await commits(store.path)).toBe(before + 1)
    await store.unit.write(async (tx) => note(store, tx))
    expect(await commits(store.path)).toBe(before + 2)
  })

  it('are shared by works that come one after another, while there is always one on its way', async () => {
    using _still = still()
    await using store = await sqliteStore()
    const before = await commits(store.path)
    const written: Promise<unknown>[] = []
    for (let n = 0; n < 10; n += 1) {
      written.push(store.unit.write(async (tx) => note(store, tx, { n })))
      // As requests on connections of their own: one is taken in, and heard in the next turn.
      for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(written)
    // One, or two where the machine stood still for so long that nobody was to wait any longer.
    expect(await commits(store.path)).toBeLessThanOrEqual(before + 2)
  })

  it('are in the file by the time that write resolves', async () => {
    await using store = await sqliteStore()
    const before = await commits(store.path)
    for (let n = 1; n <= 3; n += 1) {
      await store.unit.write((tx) => put(store, tx, aTask()))
      expect(await commits(store.path)).toBe(before + n)
    }
  })

  it('do not happen while the audit cannot be written, and do again once it can (I6)', async () => {
    await using store = await sqliteStore()
    await store.beside(
      `create trigger full before insert on audit_events begin select raise(abort, 'no'); end`,
    )
    const task = aTask()
    const opening = store.unit.write(async (tx) => {
      await put(store, tx, task)
      note(store, tx)
    })
    await expect(opening).rejects.toHaveProperty('code', 'unavailable')
    expect(await store.unit.read((tx) => store.tasks.get(tx, task.id))).toBeUndefined()
    await store.beside('drop trigger full')
    await store.unit.write(async (tx) => note(store, tx))
    expect(await events(store)).toHaveLength(1)
    expect((await verified(store)).discrepancies).toEqual([])
  })
})
