/** A copy of a SQLite file that lacks nothing, made while a broker writes. */
import { closeSync, openSync } from 'node:fs'
import { backup } from 'node:sqlite'
import { openDatabase } from './node-sqlite.ts'

/**
 * Copies the database as it stands to `file`, for its owner alone. The copy is one file:
 * what a running database has in its log is in it.
 *
 * @throws Error when it cannot be read, or `file` is there or cannot be made.
 */
export async function backUpSqlite(path: string, file: string): Promise<void> {
  using source = openDatabase(path, { readOnly: true })
  closeSync(openSync(file, 'wx', 0o600))
  // All at once, on one snapshot: taken in parts, it would begin again with every commit.
  await backup(source, file, { rate: 2 ** 31 - 1 })
  using copy = openDatabase(file, { readOnly: false })
  copy.exec('pragma journal_mode = delete')
}
