/**
 * A broker's one writer of its store: many works in one commit (docs/decisions/0003), sent together, and one by one where the
 * database has refused that (docs/decisions/0070).
 */
import { chainable } from '../audit/chain.ts'
import type { AuditEvent, Head } from '../audit/event.ts'
import type { Seal } from '../base/seal.ts'
import type { Told, Tx } from '../base/unit.ts'
import { appliedMigrations } from './applied-migrations.ts'
import type { Others, Writing } from './connection.ts'
import { Counts } from './counts.ts'
import { followHead, type FoundHead } from './follow-head.ts'
import type { Guard } from './guard.ts'
import { type HeadKeeper, headRows, type HeadState, type Written } from './head.ts'
import { heldAt, type LastHead } from './last-head.ts'
import { Known } from './known.ts'
import { Latecomers } from './latecomers.ts'
import type { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { AtOnce } from './row-writes.ts'
import { Rows } from './rows.ts'
import type { Statements } from './statements.ts'
import type { Assignment } from './transaction.ts'
import { Unsent } from './unsent.ts'
import { aboutOf, type Job, notWritten, WorkGroup } from './work-group.ts'

/** The most works that share a commit. */
const groupSize = 100

/** Turns of the event loop that bring no work before a commit begins: one takes in one new connection, which is heard in the next. */
const stillTurns = 4

/** Milliseconds for which a commit is put off at most while works come. */
const gatherMs = 20

/** Milliseconds that the first commit waits for it to be known whether anything may be granted. */
const firstLookMs = 1_000

interface Pending {
  written: Written
  sums: RowSums
}

/** What the writer works with. */
interface Given {
  connection: Writing
  seal: Seal
  macs: RowMacs
  keeper: HeadKeeper
  guard: Guard
  outside: Pick<LastHead, 'write'>
  /** Hears of every commit, before those who wait for it. */
  committed: (events: readonly AuditEvent[], head: Head) => void
  /** Where several brokers write the store: what is this one's now. */
  assignment?: (() => Assignment) | undefined
  /** Whether other brokers may be running: then they are told what is decided, and nothing is known from one turn to the next. */
  hasPeers?: (() => boolean) | undefined
}

/** How far a group got before it failed: its transaction is not begun, open with works to run, open with all of them run, or to be committed. */
type Stage = 'beginning' | 'running' | 'run' | 'committing'

export class GroupWriter {
  readonly #given: Given
  readonly #unsent: Unsent
  #sums: RowSums
  /** The engine's own mark of who has committed: it changes when somebody else has. Undefined: look in any case. */
  #version: unknown
  /** Whether somebody else was noticed, and the head does not say so yet. */
  #hasNoticed = false
  /** Whether another broker has noticed somebody. */
  #mustLook = false
  /** What the commit under way makes true. */
  #pending: Pending | undefined
  /** What is known of the store, as long as nobody else writes it. */
  #known = new Known()
  #queue: Job[] = []
  /** Of the queue, what comes while the turn is waited for. */
  #latecomers: Latecomers | undefined
  /** What has a turn of its own. */
  readonly #apart: (() => Promise<void>)[] = []
  /** Why nothing could be written when that was last tried; undefined where it could. */
  #failure: unknown
  #running: Promise<void> | undefined

  constructor(given: Given) {
    this.#given = given
    this.#unsent = new Unsent(given.connection)
    this.#sums = new RowSums(given.seal, given.keeper.state.sums)
  }

  write<T>(work: (tx: Tx) => Promise<T>, ...about: Told[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const job: Job = {
        run: work,
        about,
        settle: (outcome) => ('error' in outcome ? reject(outcome.error) : resolve(outcome.value as T)),
      }
      this.#queue.push(job)
      this.#latecomers?.add(job)
      this.#running ??= this.#runGroups()
    })
  }

  /** Whether somebody else may have committed since the store was last looked through. */
  async isForeign(): Promise<boolean> {
    const { connection, guard } = this.#given
    return guard.mustLookAgain || this.#version !== (await connection.version())
  }

  /** Why nothing could be written when that was last tried; undefined where it could. */
  get failure(): unknown {
    return this.#failure
  }

  /** Tries to write again where that has failed, though nobody has anything to write. */
  async recover(): Promise<void> {
    if (this.#failure !== undefined) await this.inOwnTurn(() => Promise.resolve())
  }

  async drain(): Promise<void> {
    while (this.#running) await this.#running
  }

  /**
   * Takes the store as it stands for what it should be, and puts that on record as `event`
   * says. What is damaged stays so. To be called while nothing else is written.
   */
  async accept(event: (damagedRows: number) => AuditEvent): Promise<void> {
    const { connection, seal, macs, keeper, guard } = this.#given
    const { statements } = connection
    const sums = new RowSums(seal)
    this.#known = new Known()
    await connection.begin()
    try {
      const rows = new Rows({
        writes: new AtOnce(statements),
        macs,
        sums,
        counts: new Counts(),
        watch: guard,
      })
      const damaged = await rows.acceptAll(keeper.state.installation)
      // Nothing that is ours stands there.
      await statements.run('delete from audit_events where seq > ?', [keeper.head.seq])
      const change = {
        doubts: [],
        sums: sums.toJSON(),
        migrations: await appliedMigrations(statements),
        schema: await statements.dialect.schema(statements),
        ...this.#turn(),
      }
      this.#pending = { written: await keeper.write([chainable(event(damaged))], change), sums }
      await connection.commit()
    } catch (error) {
      await connection.rollBack()
      throw error
    }
    this.#adopt()
    // With the next commit it is looked through again.
    this.#version = undefined
  }

  /** Does in a turn of its own what is no work: no commit fails with it. It must not change what Mayfly keeps. */
  inOwnTurn(work: (statements: Statements) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#apart.push(() => this.#turnFor(work).then(resolve, reject))
      this.#running ??= this.#runGroups()
    })
  }

  /** Says in the store that nobody has it any more, where only one can. To be called last: where it cannot be said, the next broker finds out. */
  async letGo(): Promise<void> {
    const { connection, keeper } = this.#given
    if (!keeper.state.holder) return
    try {
      await connection.begin()
      // Of what is another's by now nothing is written; whatever else somebody did to it, the next start finds.
      if (!(await keeper.isTakenOver(connection.statements))) await keeper.write([], { holder: undefined })
      await connection.commit()
    } catch {
      await connection.rollBack()
    }
  }

  async #turnFor(work: (statements: Statements) => Promise<void>): Promise<void> {
    const { connection, keeper } = this.#given
    try {
      await this.#begin()
      // Before the head is written: its next number would hide whoever wrote before this turn, from all brokers.
      await this.#look()
      await work(connection.statements)
      // So that the next turn can be told from somebody else’s writing.
      this.#pending = { written: await keeper.write([], this.#turn()), sums: this.#sums }
      await connection.commit()
    } catch (error) {
      this.#known = new Known()
      await connection.rollBack()
      throw error
    }
    this.#adopt()
  }

  async #runGroups(): Promise<void> {
    while (this.#apart.length > 0 || this.#queue.length > 0) {
      const apart = this.#apart.shift()
      // Works never cease to come while there is much to do.
      if (apart) await apart()
      else {
        await this.#gather()
        await this.#runGroup()
      }
    }
    this.#running = undefined
  }

  /** Lets what is on its way join the same commit: it waits for others' work, and never for nothing. */
  async #gather(): Promise<void> {
    const until = performance.now() + gatherMs
    let [still, seen] = [0, 0]
    while (still < stillTurns && this.#queue.length < groupSize && performance.now() < until) {
      await new Promise((resolve) => setImmediate(resolve))
      still = this.#queue.length > seen ? 0 : still + 1
      seen = this.#queue.length
    }
  }

  async #runGroup(): Promise<void> {
    const { connection, keeper, committed, hasPeers = () => true } = this.#given
    let jobs: Job[] = []
    let group: WorkGroup | undefined
    let stage: Stage = 'beginning'
    try {
      await this.#begin()
      stage = 'running'
      await this.#look()
      // Only now: whoever came while another broker had its turn joins this one.
      jobs = this.#queue.splice(0, groupSize)
      group = this.#group(!jobs.some(({ isAgain }) => isAgain))
      this.#queue.unshift(...jobs.splice(await group.run(jobs)))
      stage = 'run'
      const isChanged = group.events.length > 0 || group.sums !== this.#sums
      if (isChanged || connection.others?.hasWritten) this.#pending = await this.#writeHead(group)
      if (hasPeers()) await connection.others?.tell(group.decided)
      stage = 'committing'
      await connection.commit()
      this.#known = group.known
      this.#adopt()
      if (group.tookDamaged) this.#version = undefined
    } catch (error) {
      // Before the rollback, which may find the connection lost.
      const again = this.#areRunAgain(error, stage, group)
      this.#known = new Known()
      await connection.rollBack()
      if (jobs.length === 0) jobs = this.#queue.splice(0, groupSize)
      // What is done once more tells then.
      if (!again) this.#failure = error
      this.#giveUp(jobs, error, again)
      return
    }
    committed(
      group.events.map(({ event }) => event),
      keeper.head,
    )
    group.settle()
  }

  /**
   * Whether the works of a group that failed are run once more: on another connection where theirs was lost, one by one
   * where the database may have refused one for another's sake. Not where they may have been committed.
   */
  #areRunAgain(error: unknown, stage: Stage, group: WorkGroup | undefined): boolean {
    const { connection } = this.#given
    const isLost = connection.others?.isLost === true
    // Of a commit, PostgreSQL's refusal leaves nothing; of one that was not answered, or that SQLite could not finish, nobody knows.
    const isUndone =
      stage === 'committing' ? connection.others !== undefined && !isLost : stage !== 'beginning'
    // What a work throws by itself is told to that work alone.
    const isRefused = group?.areTogether === true && (stage === 'running' || connection.isFailure(error))
    return isUndone && (isLost || isRefused)
  }

  /** Puts the jobs back, to be run again, or tells them that they failed; none is run a third time. */
  #giveUp(jobs: readonly Job[], error: unknown, areRunAgain: boolean): void {
    const again = areRunAgain ? jobs.filter(({ isAgain }) => !isAgain) : []
    for (const job of again) job.isAgain = true
    this.#queue.unshift(...again)
    for (const job of jobs) if (!again.includes(job)) job.settle({ error: notWritten(error) })
  }

  #group(together: boolean): WorkGroup {
    const { connection, seal, macs, keeper, guard, assignment } = this.#given
    const unsent = this.#unsent
    const { installation } = keeper.state
    const given = {
      connection,
      unsent,
      together,
      seal,
      macs,
      installation,
      watch: guard,
      assignment: assignment?.(),
    }
    return new WorkGroup(given, this.#sums, this.#known)
  }

  async #begin(): Promise<void> {
    const { connection, hasPeers = () => true } = this.#given
    const { others } = connection
    if (!others) {
      await connection.begin()
      return await this.#settlePending()
    }
    // Where others take turns as well, one of them has most likely written.
    const isKept = !hasPeers()
    const begun = others.begin(() => {
      // Here, for it may be asked twice: what a lost connection has read is no longer true in the next turn.
      if (!isKept) this.#known = this.#known.anew()
      return this.#find()
    })
    const found = await begun.finally(() => this.#hearNoMore())
    await this.#settlePending()
    const isFollowed = await this.#follow(others, found)
    if (isKept && (isFollowed || others.mayHaveWritten)) this.#known = this.#known.anew()
  }

  async #hearNoMore(): Promise<void> {
    const latecomers = this.#latecomers
    this.#latecomers = undefined
    await latecomers?.close()
  }

  /** A commit that failed may have happened all the same: the disk knows. */
  async #settlePending(): Promise<void> {
    const { connection, keeper } = this.#given
    const pending = this.#pending
    if (pending && (await keeper.isStored(connection.statements, pending.written))) this.#adopt()
    this.#pending = undefined
  }

  /** All that it is known beforehand that the turn will ask for, in one go; and what those ask for that come before it, as they come. */
  async #find(): Promise<FoundHead> {
    const { connection, keeper } = this.#given
    const { statements } = connection
    const known = this.#known
    const first = this.#queue.slice(0, groupSize)
    // Where a connection was lost, what it was asked is told.
    void this.#hearNoMore()
    this.#latecomers = new Latecomers(groupSize - first.length, async (late) =>
      known.lookedUp.read(statements, aboutOf(late)),
    )
    const [rows, held] = await Promise.all([
      statements.all(headRows),
      heldAt(statements, keeper.head.seq),
      known.ahead(statements, aboutOf(first)),
    ])
    return { rows, held }
  }

  /** What another broker wrote in its turn holds from now on: of what was kept here nothing is relied on before that is known. Returns whether one has. */
  async #follow(others: Others, found: FoundHead): Promise<boolean> {
    const { connection, seal, keeper, guard } = this.#given
    const before = keeper.state.noticed
    if (!(await followHead(keeper, found, connection.statements, seal))) return false
    if (keeper.state.noticed !== before) this.#mustLook = true
    this.#sums = new RowSums(seal, keeper.state.sums)
    others.follow(keeper.state.next)
    guard.tell()
    return true
  }

  /** What the head says of the turn that is about to end. */
  #turn(): Pick<HeadState, 'next' | 'noticed'> {
    const { connection, keeper } = this.#given
    if (!connection.others) return {}
    const noticed = (keeper.state.noticed ?? 0) + (this.#hasNoticed ? 1 : 0)
    return { next: connection.others.next(), noticed }
  }

  /** Has the store looked through if somebody else has written to it, another broker has noticed that, or that failed before. @throws Error when another broker has. */
  async #look(): Promise<void> {
    const { connection, keeper, guard } = this.#given
    const version = await connection.version()
    if (version === this.#version && !this.#mustLook && !guard.mustLookAgain) return
    if (!connection.others && (await keeper.isTakenOver(connection.statements)))
      throw new Error('another broker has taken over the store')
    if (this.#version !== undefined && version !== this.#version) this.#hasNoticed = true
    this.#mustLook = false
    if (!connection.others) this.#known = this.#known.anew()
    await guard.inspect(this.#version === undefined ? firstLookMs : connection.lookMs)
    this.#version = version
  }

  async #writeHead({ events, sums }: WorkGroup): Promise<Pending> {
    const { keeper } = this.#given
    // Where nobody can tell what the sums should be, they are not made up.
    const state = { ...(keeper.state.sums && { sums: sums.toJSON() }), ...this.#turn() }
    return { written: await keeper.write(events, state), sums }
  }

  #adopt(): void {
    if (!this.#pending) return
    const { keeper, outside } = this.#given
    this.#hasNoticed = false
    this.#failure = undefined
    keeper.adopt(this.#pending.written)
    this.#sums = this.#pending.sums
    this.#pending = undefined
    // What is known outside must not be forgotten for a store that may be older.
    if (keeper.state.doubts.length === 0) outside.write(keeper.state.installation, keeper.head)
  }
}
