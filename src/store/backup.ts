/** A copy of a SQLite file that lacks nothing, made while a broker writes. */
import { closeSync, openSync } from 'node:fs'
import { backup } from 'node:sqlite'
import type { Seal } from '../base/seal.ts'
import { letGo } from './head.ts'
import type { Outside } from './last-head.ts'
import { openDatabase } from './node-sqlite.ts'
import { isWithoutItsLog, tornCopyDoubt } from './plain-copy.ts'
import { connectionOver } from './sqlite-connection.ts'

/**
 * Copies the database as it stands to `file`, for its owner alone. The copy is one file:
 * what a running database has in its log is in it. Nobody has it: a broker may be started on it
 * beside the one that runs on the original.
 *
 * `outside`: what is known of it outside.
 *
 * @throws Error when it cannot be read, may lack something, or `file` is there or cannot be made.
 */
export async function backUpSqlite(path: string, file: string, seal: Seal, outside: Outside): Promise<void> {
  const isTorn = isWithoutItsLog(path)
  using source = openDatabase(path, { readOnly: true })
  closeSync(openSync(file, 'wx', 0o600))
  // All at once, on one snapshot: taken in parts, it would begin again with every commit.
  await backup(source, file, { rate: 2 ** 31 - 1 })
  using copy = openDatabase(file, { readOnly: false })
  copy.exec('pragma journal_mode = delete')
  const { statements } = connectionOver(copy)
  const doubt = isTorn ? await tornCopyDoubt(statements, seal, outside) : undefined
  if (doubt !== undefined) throw new Error(doubt)
  await letGo(statements, seal)
}
