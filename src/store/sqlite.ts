/** The store on one SQLite file: one writer with group commit, reads on a connection of their own (docs/decisions/0003). */
import { existsSync, realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Log } from '../base/log.ts'
import type { Seal } from '../base/seal.ts'
import { StoreInUse } from './address.ts'
import { isDatabaseError, sqliteBusy } from './database-error.ts'
import { makePrivate, storeFiles, tighten } from './files.ts'
import { becomeHolder, release } from './holder.ts'
import { LastHead } from './last-head.ts'
import { requireCurrent } from './migrations.ts'
import { openDatabase } from './node-sqlite.ts'
import {
  type OpenStore,
  ownStore,
  type OwnStore,
  readOnly,
  silentLog,
  type StoreOptions,
} from './own-store.ts'
import { installationLeft } from './reader.ts'
import { connectionOver, snapshotOf, writingOver } from './sqlite-connection.ts'
import { isWithoutItsLog } from './plain-copy.ts'
import { openReader } from './sqlite-reader.ts'
import { isHeld, takeOver } from './take-over.ts'

/**
 * Opens the database as its only writer, creating or migrating it first.
 *
 * @throws StoreInUse when another broker has it; OtherSealKey; Error when it was written by a newer version.
 */
export async function openSqlite(path: string, seal: Seal, options: StoreOptions = {}): Promise<OwnStore> {
  const { log = silentLog, isKeyLost } = options
  using opened = new DisposableStack()
  opened.use(lockFile(path, log))
  makePrivate(path, log)
  const isTorn = isWithoutItsLog(path)
  await requireNotHeld(path, seal)
  const database = opened.use(openDatabase(path, { readOnly: false }))
  const connection = writingOver(database)
  // FULL: an intent that the client's credential depends on must survive a power cut (invariant I1).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  // What a savepoint would undo is kept in memory, and not in a file for each commit: that was two thirds of all bytes written.
  database.exec('PRAGMA temp_store = MEMORY')
  tighten(storeFiles(path), log)
  const outside = new LastHead(options.lastHead, log)
  opened.use(outside)
  const holder = opened.adopt(becomeHolder(), release)
  database.exec('BEGIN IMMEDIATE')
  const taken = await takeOver(connection, seal, { holder, outside, isTorn, isKeyLost: isKeyLost === true })
  if (!taken) throw new StoreInUse(path, { isByHolder: true })
  database.exec('COMMIT')
  // A plain copy of the file has to tell that a broker had it (`plain-copy.ts`): not in the log alone.
  database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  // From here on someone else's write is waited for in `GroupWriter`, without stopping the event loop.
  database.exec('PRAGMA busy_timeout = 0')
  const { keeper, macs } = taken
  const reader = openReader(path, { seal, macs, installation: keeper.state.installation })
  const given = { ...taken, connection, seal, outside, reader, snapshot: () => snapshotOf(path) }
  const store = await ownStore(given, options, async () => open.dispose())
  const open = opened.move()
  return store
}

/**
 * Opens the database for reading only, beside a running broker or without one.
 *
 * @throws Error when it does not exist or is of another version.
 */
export async function openSqliteReadOnly(path: string, seal: Seal): Promise<OpenStore> {
  using database = openDatabase(path, { readOnly: true })
  const connection = connectionOver(database)
  await requireCurrent(connection.db)
  const left = await installationLeft(connection, seal)
  return readOnly(openReader(path, left))
}

/** Before anything of the file is changed: it may be somebody's copy of what another broker has. @throws StoreInUse */
async function requireNotHeld(path: string, seal: Seal): Promise<void> {
  using database = openDatabase(path, { readOnly: true })
  if (await isHeld(connectionOver(database).statements, seal))
    throw new StoreInUse(path, { isByHolder: true })
}

/**
 * Takes the file for this process alone. The lock is SQLite's own on a file
 * beside it, so the kernel drops it with the process, however that ends.
 *
 * @throws StoreInUse
 */
export function lockFile(path: string, log: Log = silentLog): DatabaseSync {
  const file = `${canonical(path)}-lock`
  makePrivate(file, log)
  const lock = openDatabase(file, { readOnly: false })
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (isDatabaseError(error) && error.errcode === sqliteBusy) throw new StoreInUse(path, { cause: error })
    throw error
  }
}

/** The same for every path to a file, so that a symbolic link is no way to a second broker on it. */
function canonical(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}
