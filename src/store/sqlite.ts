/** The store on one SQLite file: one writer with group commit, reads on a connection of their own (docs/decisions/0003). */
import { existsSync, realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { AuditEvent, Head } from '../audit/event.ts'
import { BrokerError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx, Unit } from '../base/unit.ts'
import { StoreInUse } from './address.ts'
import { isDatabaseError, sqliteBusy } from './database-error.ts'
import { makePrivate, storeFiles, tighten } from './files.ts'
import { GroupWriter } from './group-writer.ts'
import { Guard } from './guard.ts'
import { headRows, openHead } from './head.ts'
import { becomeHolder, release } from './holder.ts'
import type { Intrusion } from './inspection.ts'
import { LastHead } from './last-head.ts'
import { requireCurrent } from './migrations.ts'
import { openDatabase } from './node-sqlite.ts'
import { openReader } from './reader.ts'
import { RowMacs } from './row-macs.ts'
import { sealedTables } from './sealed-tables.ts'
import { connectionOver, snapshotOf, writingOver } from './sqlite-connection.ts'
import { takeOver } from './take-over.ts'
import { rowsIn } from './transaction.ts'

export interface OpenStore {
  unit: Unit
  close(): Promise<void>
}

/** A store that is written. */
export interface OwnStore extends OpenStore {
  /** What somebody else has done to it, as far as it is known. */
  readonly intrusion: Intrusion
  /** Resolves once all of it has been looked through. */
  lookedThrough(): Promise<void>
  /** @throws BrokerError `unavailable` while nothing may be granted. */
  mayGrant(): void
  /**
   * Takes it as it stands for what it should be, and records that as `event` says. What is
   * still wrong with it then is in `intrusion`.
   */
  accept(event: (damagedRows: number) => AuditEvent): Promise<void>
  /** Puts what grants under the seal key that is current, in steps: the one before can be retired then. */
  reseal(): Promise<void>
  /** Has it looked through if somebody else has written to it. Cheap where nobody has. */
  look(): Promise<void>
}

export interface StoreOptions {
  /** The file outside the store in which its newest head is kept. */
  lastHead?: string | undefined
  log?: Log
  /** Hears of every commit, before those who wait for it. */
  committed?: (events: readonly AuditEvent[], head: Head) => void
  /** Hears whenever something else is known of what somebody else has done to the store. */
  intruded?: (intrusion: Intrusion) => void
  /** Asked besides before anything is granted. @throws BrokerError where nothing may be */
  mayGrant?: () => void
}

/** Rows put under another key in one transaction: everybody else's work waits for it. */
const resealedAtOnce = 200

/**
 * Opens the database as its only writer, creating or migrating it first.
 *
 * @throws StoreInUse when another broker has it; Error when it was written by a newer version.
 */
export async function openSqlite(path: string, seal: Seal, options: StoreOptions = {}): Promise<OwnStore> {
  const { committed = () => undefined, intruded = () => undefined, mayGrant = () => undefined } = options
  const { log = silent } = options
  using opened = new DisposableStack()
  opened.use(lockFile(path, log))
  makePrivate(path, log)
  const database = opened.use(openDatabase(path, { readOnly: false }))
  // FULL: an intent that the client's credential depends on must survive a power cut (invariant I1).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  tighten(storeFiles(path), log)
  const connection = writingOver(database)
  const outside = new LastHead(options.lastHead, log)
  opened.use(outside)
  const holder = opened.adopt(becomeHolder(), release)
  database.exec('BEGIN IMMEDIATE')
  const taken = await takeOver(connection, seal, { holder, outside })
  if (!taken) throw new StoreInUse(path)
  database.exec('COMMIT')
  // From here on someone else's write is waited for in `GroupWriter`, without stopping the event loop.
  database.exec('PRAGMA busy_timeout = 0')
  const { keeper, macs } = taken
  const { installation } = keeper.state
  const guard = new Guard({
    snapshot: () => snapshotOf(path),
    seal,
    macs,
    keeper,
    changed: intruded,
    besides: mayGrant,
  })
  const reader = openReader(path, { seal, macs, installation })
  const writer = new GroupWriter({ connection, seal, macs, keeper, guard, outside, committed })
  const nothing = () => Promise.resolve()
  // With the first commit the store is looked through.
  await writer.write(nothing)
  const open = opened.move()
  return {
    unit: { write: (work) => writer.write(work), read: (work) => reader.read(work) },
    get intrusion() {
      return guard.intrusion
    },
    lookedThrough: () => guard.idle(),
    mayGrant: guard.mayGrant,
    async accept(event) {
      await writer.drain()
      await writer.accept(event)
      await writer.write(nothing)
    },
    async reseal() {
      for (const table of sealedTables) {
        let after: unknown
        const some = async (tx: Tx) => void (after = await rowsIn(tx).reseal(table, after, resealedAtOnce))
        do await writer.write(some)
        while (after !== undefined)
      }
    },
    async look() {
      if (await writer.isForeign()) await writer.write(nothing)
    },
    async close() {
      await writer.drain()
      await writer.letGo()
      await guard.close()
      await reader.close()
      open.dispose()
    },
  }
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }

/**
 * Opens the database for reading only, beside a running broker or without one.
 *
 * @throws Error when it does not exist or is of another version.
 */
export async function openSqliteReadOnly(path: string, seal: Seal): Promise<OpenStore> {
  using database = openDatabase(path, { readOnly: true })
  const { db, statements } = connectionOver(database)
  await requireCurrent(db)
  const [row] = await statements.all('select id from installation')
  const installation =
    openHead(await statements.all(headRows), seal)?.state?.installation ?? String(row?.['id'])
  const macs = await RowMacs.of(statements, seal, installation)
  const reader = openReader(path, { seal, macs, installation })
  return {
    unit: {
      write: () => Promise.reject(new BrokerError('unavailable', 'the store is open for reading only')),
      read: (work) => reader.read(work),
    },
    close: () => reader.close(),
  }
}

/**
 * Takes the file for this process alone. The lock is SQLite's own on a file
 * beside it, so the kernel drops it with the process, however that ends.
 *
 * @throws StoreInUse
 */
function lockFile(path: string, log: Log): DatabaseSync {
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
