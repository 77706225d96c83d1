/** The store on one SQLite file: one writer with group commit, reads on a connection of their own (docs/decisions/0003). */
import { existsSync, realpathSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { requireChainable } from '../audit/chain.ts'
import type { AuditEvent } from '../audit/event.ts'
import { BrokerError } from '../errors.ts'
import type { Seal } from '../seal.ts'
import type { Tx, Unit } from '../unit.ts'
import { appendEvents } from './audit.ts'
import { migrate, requireCurrent } from './migrations.ts'
import { type Connection, connectionOver, openDatabase } from './node-sqlite.ts'
import { RowMacs } from './row-macs.ts'
import { Rows } from './rows.ts'
import { asTx, Transaction } from './transaction.ts'

export interface OpenStore {
  unit: Unit
  close(): Promise<void>
}

/** Another broker has this store, and two would each believe that nobody else ends its leases. */
export class StoreInUse extends Error {
  constructor(path: string, options: { cause: unknown }) {
    super(`another broker is running on ${path}`, options)
    this.name = 'StoreInUse'
  }
}

/** The most works that share a commit: the first of them waits for the last. */
const groupSize = 100

/** Milliseconds between attempts to begin while another process writes, and for all of them. */
const busyPauseMs = 20
const busyForMs = 5_000

const databaseErrors: readonly unknown[] = ['ERR_SQLITE_ERROR', 'ERR_INVALID_STATE']
/** SQLITE_BUSY, of https://sqlite.org/rescode.html */
const sqliteBusy = 5

/**
 * Opens the database as its only writer, creating or migrating it first.
 * `committed` hears of every commit's events.
 *
 * @throws StoreInUse when another broker has it; Error when it was written by a newer version.
 */
export async function openSqlite(
  path: string,
  seal: Seal,
  committed: (events: readonly AuditEvent[]) => void = () => undefined,
): Promise<OpenStore> {
  using opened = new DisposableStack()
  opened.use(lockFile(path))
  const database = opened.use(openDatabase(path, { readOnly: false }))
  // FULL: an intent that the client's credential depends on must survive a power cut (invariant I1).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  const connection = connectionOver(database)
  database.exec('BEGIN IMMEDIATE')
  if (await migrate(connection.db)) rowsOver(connection, seal).sealAll()
  database.exec('COMMIT')
  // From here on someone else's write is waited for in `GroupWriter`, without stopping the event loop.
  database.exec('PRAGMA busy_timeout = 0')
  const reader = openReader(path, seal)
  const writer = new GroupWriter(database, connection, seal, committed)
  const open = opened.move()
  return {
    unit: { write: (work) => writer.write(work), read: (work) => reader.read(work) },
    async close() {
      await writer.drain()
      await reader.close()
      open.dispose()
    },
  }
}

/**
 * Opens the database for reading only, beside a running broker or without one.
 *
 * @throws Error when it does not exist or is of another version.
 */
export async function openSqliteReadOnly(path: string, seal: Seal): Promise<OpenStore> {
  const reader = openReader(path, seal)
  try {
    await requireCurrent(reader.db)
  } catch (error) {
    await reader.close()
    throw error
  }
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
function lockFile(path: string): DatabaseSync {
  const lock = openDatabase(`${canonical(path)}-lock`, { readOnly: false })
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

interface Job {
  run(tx: Tx): Promise<unknown>
  settle(outcome: { value: unknown } | { error: unknown }): void
}

/** Runs works one after another, many in one commit, each behind a savepoint. */
class GroupWriter {
  readonly #database: DatabaseSync
  readonly #db: Connection['db']
  readonly #rows: Rows
  readonly #seal: Seal
  readonly #committed: (events: readonly AuditEvent[]) => void
  #queue: Job[] = []
  #running: Promise<void> | undefined

  constructor(
    database: DatabaseSync,
    connection: Connection,
    seal: Seal,
    committed: (events: readonly AuditEvent[]) => void,
  ) {
    this.#database = database
    this.#db = connection.db
    this.#rows = rowsOver(connection, seal)
    this.#seal = seal
    this.#committed = committed
  }

  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({
        run: work,
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value as T)),
      })
      this.#running ??= this.#runGroups()
    })
  }

  async drain(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #runGroups(): Promise<void> {
    while (this.#queue.length > 0) {
      // Whatever else this turn of the event loop brings joins the same commit.
      await new Promise((resolve) => setImmediate(resolve))
      await this.#runGroup(this.#queue.splice(0, groupSize))
    }
    this.#running = undefined
  }

  async #runGroup(jobs: Job[]): Promise<void> {
    const done: (() => void)[] = []
    const events: AuditEvent[] = []
    try {
      await this.#begin()
      for (const job of jobs) done.push(await this.#runOne(job, events))
      await appendEvents(this.#db, this.#seal, events)
      this.#database.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      const failure = new BrokerError('unavailable', 'the store cannot be written', {
        cause: error,
        retryAfter: 1,
      })
      for (const job of jobs) job.settle({ error: failure })
      return
    }
    for (const settle of done) settle()
    this.#committed(events)
  }

  /** Somebody with a tool of their own may be writing. What is due upstream goes on meanwhile (invariant I6). */
  async #begin(): Promise<void> {
    for (let left = busyForMs / busyPauseMs; ; left -= 1) {
      try {
        return this.#database.exec('BEGIN IMMEDIATE')
      } catch (error) {
        if (!isDatabaseError(error) || error.errcode !== sqliteBusy || left <= 0) throw error
      }
      await setTimeout(busyPauseMs)
    }
  }

  /** Some failures (a full disk) have rolled back by themselves. Where this fails, the next group cannot begin and tries again. */
  #rollBack(): void {
    try {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK')
    } catch {
      // Whoever waits for the group must be told in any case.
    }
  }

  async #runOne(job: Job, events: AuditEvent[]): Promise<() => void> {
    const transaction = new Transaction(this.#db, this.#rows)
    this.#database.exec('SAVEPOINT work')
    try {
      const value = await job.run(asTx(transaction))
      // Here, and not only when the group is chained: what one work cannot record must not undo the others.
      for (const event of transaction.events) requireChainable(event)
      this.#database.exec('RELEASE work')
      events.push(...transaction.events)
      return () => job.settle({ value })
    } catch (error) {
      this.#database.exec('ROLLBACK TO work; RELEASE work')
      // The database's own failures say nothing to a caller and may hold values.
      const outcome = isDatabaseError(error)
        ? new BrokerError('unavailable', 'the store cannot be written', { cause: error, retryAfter: 1 })
        : error
      return () => job.settle({ error: outcome })
    } finally {
      transaction.finish()
    }
  }
}

/** One connection's reads, each on a snapshot of its own. They take turns: a snapshot belongs to the connection. */
function openReader(
  path: string,
  seal: Seal,
): { db: Connection['db']; read: Unit['read']; close(): Promise<void> } {
  const database = openDatabase(path, { readOnly: true })
  const connection = connectionOver(database)
  const { db } = connection
  // Not before it is known that the tables are those of this version.
  let rows: Rows | undefined
  let turn: Promise<unknown> = Promise.resolve()
  const snapshot = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    let transaction: Transaction | undefined
    try {
      rows ??= rowsOver(connection, seal)
      transaction = new Transaction(db, rows)
      database.exec('BEGIN')
      const value = await work(asTx(transaction))
      // INVARIANT I6: what is recorded here would never be chained.
      if (transaction.events.length > 0) throw new Error('only a transaction that writes can record an event')
      return value
    } catch (error) {
      if (!isDatabaseError(error)) throw error
      throw new BrokerError('unavailable', 'the store cannot be read', { cause: error, retryAfter: 1 })
    } finally {
      transaction?.finish()
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
    }
  }
  return {
    db,
    read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
      const result = turn.then(() => snapshot(work))
      turn = result.catch(() => undefined)
      return result
    },
    async close() {
      await turn
      if (database.isOpen) database.close()
    },
  }
}

function rowsOver({ statements }: Connection, seal: Seal): Rows {
  return new Rows(statements, new RowMacs(statements, seal))
}

/** An error of the database itself, or of using it after it was closed. */
function isDatabaseError(error: unknown): error is Error & { errcode?: number } {
  return error instanceof Error && 'code' in error && databaseErrors.includes(error.code)
}
