/** Another process that writes to the file, or points to it by another name. */
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openSqlite } from '../../src/store/sqlite.ts'
import { events, note, testSeal } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

it('a write waits for one of another process, and stops nothing else meanwhile (I6)', async () => {
  await using store = await sqliteStore()
  const other = new DatabaseSync(store.path)
  onTestFinished(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  let written = false
  const writing = store.unit.write(async (tx) => note(store, tx)).then(() => (written = true))
  // A thousand turns of the event loop and a read: nothing of the kind while a thread sleeps on the lock.
  for (let turns = 0; turns < 1000; turns += 1) await setImmediate()
  expect(await events(store)).toEqual([])
  expect(written).toBe(false)
  other.exec('COMMIT')
  await writing
  expect(await events(store)).toHaveLength(1)
})

it('a symbolic link is no way to a second broker on one file', async () => {
  await using store = await sqliteStore()
  const link = join(store.directory, 'other.db')
  await symlink(store.path, link)
  await expect(openSqlite(link, testSeal())).rejects.toThrow('another broker')
})
