/** The one writer of a SQLite file: many works in one commit, each behind a savepoint. */
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { type Chainable, chainable } from '../audit/chain.ts'
import type { AuditEvent, Head } from '../audit/event.ts'
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { Counts } from './counts.ts'
import { isDatabaseError, sqliteBusy } from './database-error.ts'
import type { Guard } from './guard.ts'
import type { HeadKeeper, Written } from './head.ts'
import type { LastHead } from './last-head.ts'
import type { Connection } from './node-sqlite.ts'
import type { RowMacs } from './row-macs.ts'
import { ReadOnce } from './read-once.ts'
import { RowSums } from './row-sums.ts'
import { Rows } from './rows.ts'
import { appliedMigrations } from './store-schema.ts'
import { asTx, Transaction } from './transaction.ts'

/** The most works that share a commit, and the milliseconds after which no other is begun: the first of them waits for the last. */
const groupSize = 100
const groupMs = 8

/** Turns of the event loop between commits while there is always another: one takes in one new connection. */
const turnsBetween = 8

/** Milliseconds between attempts to begin while another process writes, and for all of them. */
const busyPauseMs = 20
const busyForMs = 5_000

/** Milliseconds that a commit waits for the store to be looked through: at the start, and when somebody else has written. */
const firstLookMs = 1_000
const lookMs = 250

interface Job {
  run(tx: Tx): Promise<unknown>
  settle(outcome: { value: unknown } | { error: unknown }): void
}

/** What the works of one commit have left. */
interface Kept {
  once: ReadOnce
  sums: RowSums
  counts: Counts
  events: Chainable[]
  tookDamaged: boolean
}

interface Pending {
  written: Written
  sums: RowSums
}

/** What the writer works with. */
interface Given {
  database: DatabaseSync
  connection: Connection
  seal: Seal
  macs: RowMacs
  keeper: HeadKeeper
  guard: Guard
  outside: Pick<LastHead, 'write'>
  /** Hears of every commit, before those who wait for it. */
  committed: (events: readonly AuditEvent[], head: Head) => void
}

export class GroupWriter {
  readonly #given: Given
  #sums: RowSums
  /** SQLite's own mark of who has committed: it changes exactly when somebody else has. Undefined: look in any case. */
  #version: unknown
  /** What the commit under way makes true. */
  #pending: Pending | undefined
  #queue: Job[] = []
  #running: Promise<void> | undefined

  constructor(given: Given) {
    this.#given = given
    this.#sums = new RowSums(given.seal, given.keeper.state.sums)
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

  /** Whether somebody else has committed since the writer did. */
  get isForeign(): boolean {
    return this.#version !== this.#currentVersion()
  }

  async drain(): Promise<void> {
    while (this.#running) await this.#running
  }

  /**
   * Takes the store as it stands for what it should be, and puts that on record as `event`
   * says. What is damaged stays so. To be called while nothing else is written.
   */
  accept(event: (damagedRows: number) => AuditEvent): void {
    const { database, connection, seal, macs, keeper, guard } = this.#given
    const { statements } = connection
    const sums = new RowSums(seal)
    database.exec('BEGIN IMMEDIATE')
    try {
      const rows = new Rows({ statements, macs, sums, counts: new Counts(), watch: guard })
      const damaged = rows.acceptAll(keeper.state.installation)
      // Nothing that is ours stands there.
      statements.run('delete from audit_events where seq > ?', [keeper.head.seq])
      const change = { doubts: [], sums: sums.toJSON(), migrations: appliedMigrations(statements) }
      this.#pending = { written: keeper.write([chainable(event(damaged))], change), sums }
      database.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw error
    }
    this.#adopt()
    // With the next commit it is looked through again.
    this.#version = undefined
  }

  /** Says in the store that nobody has it any more. To be called last: where it cannot be said, the next broker finds out. */
  letGo(): void {
    const { database, keeper } = this.#given
    try {
      database.exec('BEGIN IMMEDIATE')
      if (!this.isForeign) keeper.write([], { holder: undefined })
      database.exec('COMMIT')
    } catch {
      this.#rollBack()
    }
  }

  async #runGroups(): Promise<void> {
    for (let turns = 1; this.#queue.length > 0; turns = turnsBetween) {
      // Whatever else these turns of the event loop bring joins the same commit.
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      await this.#runGroup(this.#queue.splice(0, groupSize))
    }
    this.#running = undefined
  }

  async #runGroup(jobs: Job[]): Promise<void> {
    const { database, keeper, committed } = this.#given
    const done: (() => void)[] = []
    const kept: Kept = {
      once: new ReadOnce(),
      sums: this.#sums,
      counts: new Counts(),
      events: [],
      tookDamaged: false,
    }
    try {
      await this.#begin()
      await this.#look()
      const until = performance.now() + groupMs
      for (const [index, job] of jobs.entries()) {
        if (index > 0 && performance.now() >= until) {
          this.#queue.unshift(...jobs.splice(index))
          break
        }
        done.push(await this.#runOne(job, kept))
      }
      this.#writeCounts(kept)
      if (kept.events.length > 0 || kept.sums !== this.#sums) this.#pending = this.#writeHead(kept)
      database.exec('COMMIT')
      this.#adopt()
      if (kept.tookDamaged) this.#version = undefined
    } catch (error) {
      this.#rollBack()
      const failure = new BrokerError('unavailable', 'the store cannot be written', {
        cause: error,
        retryAfter: 1,
      })
      for (const job of jobs) job.settle({ error: failure })
      return
    }
    committed(
      kept.events.map(({ event }) => event),
      keeper.head,
    )
    for (const settle of done) settle()
  }

  /** Somebody with a tool of their own may be writing. What is due upstream goes on meanwhile (invariant I6). */
  async #begin(): Promise<void> {
    const { database, connection, keeper } = this.#given
    for (let left = busyForMs / busyPauseMs; ; left -= 1) {
      try {
        database.exec('BEGIN IMMEDIATE')
        break
      } catch (error) {
        if (!isDatabaseError(error) || error.errcode !== sqliteBusy || left <= 0) throw error
      }
      await setTimeout(busyPauseMs)
    }
    // A commit that failed may have happened all the same: the disk knows.
    if (this.#pending && keeper.isStored(connection.statements, this.#pending.written)) this.#adopt()
    this.#pending = undefined
  }

  /** Has the store looked through if somebody else has written to it. @throws Error when another broker has. */
  async #look(): Promise<void> {
    const { connection, keeper, guard } = this.#given
    const version = this.#currentVersion()
    if (version === this.#version) return
    if (keeper.isTakenOver(connection.statements)) throw new Error('another broker has taken over the store')
    await guard.inspect(this.#version === undefined ? firstLookMs : lookMs)
    this.#version = version
  }

  #currentVersion(): unknown {
    return this.#given.connection.statements.all('pragma data_version')[0]?.['data_version']
  }

  #writeCounts(kept: Kept): void {
    if (kept.counts.changed.length === 0) return
    const { seal } = this.#given
    const sums = new RowSums(seal, kept.sums)
    this.#rows(sums, kept.counts, kept.once).writeCounts()
    kept.sums = sums
  }

  #rows(sums: RowSums, counts: Counts, once: ReadOnce): Rows {
    const { connection, macs, guard } = this.#given
    return new Rows({ statements: connection.statements, macs, sums, counts, watch: guard, once })
  }

  #writeHead({ events, sums }: Kept): Pending {
    const { keeper } = this.#given
    // Where nobody can tell what the sums should be, they are not made up.
    const state = keeper.state.sums && { sums: sums.toJSON() }
    return { written: keeper.write(events, state), sums }
  }

  #adopt(): void {
    if (!this.#pending) return
    const { keeper, outside } = this.#given
    keeper.adopt(this.#pending.written)
    this.#sums = this.#pending.sums
    this.#pending = undefined
    // What is known outside must not be forgotten for a store that may be older.
    if (keeper.state.doubts.length === 0) outside.write(keeper.state.installation, keeper.head)
  }

  /** Some failures (a full disk) have rolled back by themselves. Where this fails, the next group cannot begin and tries again. */
  #rollBack(): void {
    const { database } = this.#given
    try {
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
    } catch {
      // Whoever waits for the group must be told in any case.
    }
  }

  async #runOne(job: Job, kept: Kept): Promise<() => void> {
    const { database, connection, seal, macs, keeper } = this.#given
    const sums = new RowSums(seal, kept.sums)
    const counts = new Counts(kept.counts)
    const rows = this.#rows(sums, counts, kept.once)
    const transaction = new Transaction({
      ...connection,
      seal,
      installation: keeper.state.installation,
      rows,
      macs,
    })
    database.exec('SAVEPOINT work')
    try {
      const value = await job.run(asTx(transaction))
      // Here, and not only when the group is chained: what one work cannot record must not undo the others.
      const events = transaction.events.map(chainable)
      database.exec('RELEASE work')
      kept.events.push(...events)
      if (sums.changed) kept.sums = sums
      kept.tookDamaged ||= rows.tookDamaged
      kept.counts.take(counts)
      return () => job.settle({ value })
    } catch (error) {
      database.exec('ROLLBACK TO work; RELEASE work')
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
