/**
 * The works of one commit: one that fails leaves nothing (docs/decisions/0003). Where they are sent one by one, a work
 * begins before it is known that what the one before it wrote is written: that is answered first.
 */
import { type Chainable, chainable } from '../audit/chain.ts'
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import type { About, Told, Tx } from '../base/unit.ts'
import type { Writing } from './connection.ts'
import { Counts } from './counts.ts'
import { Known } from './known.ts'
import type { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { Rows, type Watch } from './rows.ts'
import type { MaybePromise } from './statements.ts'
import { type Assignment, asTx, Transaction } from './transaction.ts'
import type { Unsent } from './unsent.ts'

export interface Job {
  run(tx: Tx): Promise<unknown>
  /** What it will look up. */
  about: readonly Told[]
  /** It was begun before, and nothing was left of it: that may have been the fault of another. */
  isAgain?: boolean
  settle(outcome: Outcome): void
}

type Outcome = { value: unknown } | { error: unknown }

interface Ran {
  job: Job
  outcome: Outcome
  /** What it found, and what it leaves; absent where that was undone. */
  left?: { before: RowSums; sums: RowSums; counts: Counts; events: Chainable[]; decided: string[] }
  /** Why what it wrote could not be written; undefined where it could. */
  failure: MaybePromise<unknown>
}

/** What the works are run with. */
interface Given {
  connection: Writing
  /** What they write goes through it. */
  unsent: Unsent
  /** Whether what they write is sent together: where the database refuses some of it, all are to be run again, one by one. */
  together: boolean
  seal: Seal
  macs: RowMacs
  watch: Watch
  installation: string
  /** Where several brokers write the store: what is this one's now. */
  assignment?: Assignment | undefined
}

export class WorkGroup {
  readonly #given: Given
  #known: Known
  #sums: RowSums
  readonly #counts = new Counts()
  readonly #events: Chainable[] = []
  readonly #ran: Ran[] = []
  #tookDamaged = false

  /** `sums`: as they are before the first. `known`: what is known of the store already. */
  constructor(given: Given, sums: RowSums, known: Known) {
    this.#given = given
    given.unsent.begin(given.together)
    this.#sums = sums
    this.#known = known
  }

  /** Whether what they write is sent together. */
  get areTogether(): boolean {
    return this.#given.together
  }

  /** What all that were kept leave. */
  get sums(): RowSums {
    return this.#sums
  }

  /** What is known of the store, as they leave it. */
  get known(): Known {
    return this.#known
  }

  get events(): readonly Chainable[] {
    return this.#events
  }

  /** The tasks that wait for approval no longer. */
  get decided(): readonly string[] {
    return this.#ran.flatMap(({ left }) => left?.decided ?? [])
  }

  /** Whether a damaged row was removed: then what is known of the store is no longer true. */
  get tookDamaged(): boolean {
    return this.#tookDamaged
  }

  /** Runs as many as there is time for, and writes what they have changed of the counts. Returns how many. */
  async run(jobs: readonly Job[]): Promise<number> {
    const { connection } = this.#given
    const until = performance.now() + connection.groupMs
    await this.#known.lookedUp.read(connection.statements, aboutOf(jobs))
    for (const job of jobs) {
      if (this.#ran.length > 0 && performance.now() >= until) break
      const last = this.#ran.at(-1)
      let next = await this.#runOne(job, last)
      // What was sent behind something that failed has failed with it.
      if (last && (await this.#isTakenBack(last))) next = await this.#runOne(job)
      this.#take(next)
    }
    await this.#end()
    this.#given.unsent.sendAll()
    return this.#ran.length
  }

  /** Tells whoever waits for them what has come of them: to be called once all is durable. */
  settle(): void {
    for (const { job, outcome } of this.#ran) job.settle(outcome)
  }

  async #end(): Promise<void> {
    const last = this.#ran.at(-1)
    try {
      await this.#writeCounts()
    } catch (error) {
      if ((await last?.failure) === undefined) throw error
    }
    if (last && (await this.#isTakenBack(last))) await this.#writeCounts()
  }

  async #writeCounts(): Promise<void> {
    if (this.#counts.changed.length === 0) return
    const sums = new RowSums(this.#given.seal, this.#sums)
    await this.#rows(sums, this.#counts).writeCounts()
    this.#sums = sums
  }

  /** `last`: the work before it, of which it is not known yet that it could be written. */
  async #runOne(job: Job, last?: Ran): Promise<Ran> {
    const { connection, unsent, seal, macs, installation, assignment } = this.#given
    const before = this.#sums
    const sums = new RowSums(seal, before)
    const counts = new Counts(this.#counts)
    const rows = this.#rows(sums, counts)
    const { db, statements } = unsent
    const transaction = new Transaction({ db, statements, seal, installation, rows, macs, assignment })
    await unsent.beginWork()
    this.#known.begin()
    try {
      const value = await job.run(asTx(transaction))
      // Here, and not only when the group is chained: what one work cannot record must not undo the others.
      const events = transaction.events.map(chainable)
      const failure = failureOf(unsent.keepWork())
      this.#tookDamaged ||= rows.tookDamaged
      const { decided } = transaction
      const left = { before, sums: sums.changed ? sums : before, counts, events, decided }
      return { job, outcome: { value }, left, failure }
    } catch (error) {
      const isFailure = connection.isFailure(error)
      // Whose fault it was nobody can tell.
      if (this.#given.together && (isFailure || unsent.isRefused)) throw error
      if ((await last?.failure) === undefined) await unsent.undoWork()
      this.#known.undo()
      // What was read behind what the database refused was not answered.
      if (isFailure) this.#known = new Known()
      return { job, outcome: { error: this.#told(error) }, failure: undefined }
    } finally {
      transaction.finish()
    }
  }

  #take(ran: Ran): void {
    this.#ran.push(ran)
    if (!ran.left) return
    const { sums, counts, events } = ran.left
    this.#sums = sums
    this.#counts.take(counts)
    this.#events.push(...events)
  }

  /** Whether the work could not be written: then nothing of it is left, and the transaction can go on. */
  async #isTakenBack(ran: Ran): Promise<boolean> {
    const failure = await ran.failure
    if (failure === undefined || !ran.left) return false
    if (this.#given.together) throw failure
    // To the savepoint of this work, which is no longer the one under way.
    await this.#given.connection.rollBackTo()
    const { before, counts, events } = ran.left
    this.#sums = before
    this.#counts.giveBack(counts)
    this.#events.length -= events.length
    // What was read behind it was not answered.
    this.#known = new Known()
    ran.outcome = { error: this.#told(failure) }
    delete ran.left
    return true
  }

  #rows(sums: RowSums, counts: Counts): Rows {
    const { unsent, macs, watch } = this.#given
    return new Rows({ writes: unsent, macs, sums, counts, watch, known: this.#known })
  }

  /** The database's own failures say nothing to a caller and may hold values. */
  #told(error: unknown): unknown {
    return this.#given.connection.isFailure(error) ? notWritten(error) : error
  }
}

/** What the works will look up. */
export function aboutOf(jobs: readonly Job[]): About[] {
  return jobs.flatMap(({ about }) => about.flatMap((told) => (typeof told === 'function' ? told() : told)))
}

export function notWritten(cause: unknown): BrokerError {
  return new BrokerError('unavailable', 'the store cannot be written', { cause, retryAfter: 1 })
}

function failureOf(keeping: MaybePromise<void>): MaybePromise<unknown> {
  return keeping?.then(
    () => undefined,
    (error: unknown) => error,
  )
}
