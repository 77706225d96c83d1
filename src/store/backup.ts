/** A copy of a store that lacks nothing, made while a broker writes. */
import { closeSync, openSync } from 'node:fs'
import { backup } from 'node:sqlite'
import type { StoreAddress } from './address.ts'
import { openDatabase } from './node-sqlite.ts'

/**
 * Copies the store as it stands to `file`, which must not exist, for its owner alone. The
 * copy is one file: what a running database has in its log is in it.
 *
 * @throws Error when the store cannot be read, or the file not be made.
 */
export async function backUp(store: StoreAddress, file: string): Promise<void> {
  if (store.kind !== 'sqlite') throw new Error('PostgreSQL is not supported by this version')
  using source = openDatabase(store.path, { readOnly: true })
  closeSync(openSync(file, 'wx', 0o600))
  // All at once, on one snapshot: taken in parts, it would begin again with every commit.
  await backup(source, file, { rate: 2 ** 31 - 1 })
  using copy = openDatabase(file, { readOnly: false })
  copy.exec('pragma journal_mode = delete')
}
