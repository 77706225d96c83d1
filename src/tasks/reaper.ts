/** What ends tasks whose deadline has passed, and revokes the leases of every task that has ended. */
import type { Timer } from '../base/clock.ts'
import { breathe } from '../base/turns.ts'
import { type Tx, untilNone } from '../base/unit.ts'
import { isElsewhere, type Lease, type StoredLease } from '../leases/lease.ts'
import { retire } from '../leases/retire.ts'
import type { TaskContext } from './context.ts'
import { endTask } from './end.ts'
import { Rounds } from './rounds.ts'
import { type EndReason, openStatuses, type StoredTask } from './task.ts'

/** Tasks read at once: others wait for it. */
const tasksAtOnce = 100
/**
 * As many leases under way as make a crowd. Ends are recorded when so many turns of the event loop have brought
 * no answer for it, and after so many milliseconds in any case.
 */
const crowd = 100
const stillTurns = 4
const callsFirstMs = 5_000
/** How long the store is left alone after it failed, in milliseconds. */
const storeRetryMs = 1_000
/**
 * How often the clock is looked at while asleep, in milliseconds. Timers count the time that the
 * machine runs: when it was suspended, or its clock set forward, a deadline passes unnoticed.
 */
const clockLookMs = 5_000

/**
 * Sleeps until the next deadline. Everything it needs is in the
 * store, so after a crash it goes on where it was.
 */
export class Reaper {
  readonly #context: TaskContext
  #timer: Timer | undefined
  #armedFor = Infinity
  /** What is due is told while the ends of others are still being recorded. */
  readonly #tells = new Rounds(() => this.#tell().catch((error: unknown) => this.#failed(error)))
  readonly #ends = new Rounds(() => this.#end().catch((error: unknown) => this.#failed(error)))
  /** What nobody had retired yet, since ends were last recorded. */
  readonly #told: Lease[] = []
  /** Ends of leases whose task goes on that are being put on record: no round waits for them. */
  readonly #retiring = new Set<Promise<void>>()
  #stopped = true

  constructor(context: TaskContext) {
    this.#context = context
  }

  /** Takes over what the last process left, then keeps time. */
  async start(): Promise<void> {
    this.#context.heartbeats.begin()
    const { unit, leases, clock } = this.#context
    const now = clock.now()
    await untilNone(unit, (tx) => leases.adopt(tx, now))
    this.#stopped = false
    this.wake(clock.now())
  }

  /** Other brokers have come or gone, and what is due of theirs may be this one's now; `inherits`: what they minted last, too. */
  async others(inherits: boolean): Promise<void> {
    if (this.#stopped) return
    const { unit, leases, clock } = this.#context
    const now = clock.now()
    if (inherits) await untilNone(unit, (tx) => leases.adopt(tx, now))
    this.wake(clock.now())
  }

  /** Stops keeping time; resolves when the rounds under way are over, and what they have begun to record. Revocations under way are the revoker's. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#armedFor = Infinity
    await Promise.all([this.#tells.all, this.#ends.all])
    await Promise.all(this.#retiring)
  }

  /** Something is due at `at`, milliseconds since 1970. Cheap: called after every commit that sets a deadline. */
  wake(at: number): void {
    if (this.#stopped || at >= this.#armedFor) return
    this.#armedFor = at
    this.#sleep()
  }

  /** Only a look at the clock before the time has come: the store is not asked until something is due. */
  #sleep(): void {
    const { clock } = this.#context
    this.#timer?.cancel()
    const left = Math.max(0, this.#armedFor - clock.now())
    this.#timer = clock.after(Math.min(clockLookMs, left), () => {
      if (clock.now() < this.#armedFor) this.#sleep()
      else this.#fire()
    })
  }

  #fire(): void {
    this.#armedFor = Infinity
    this.#tells.ask()
    this.#ends.ask()
  }

  #failed(error: unknown): void {
    this.#context.log.error({ err: error }, 'the reaper could not reach the store')
    this.wake(this.#context.clock.now() + storeRetryMs)
  }

  /**
   * Has upstream told of all that is due, before its end is on record: that it ends now was on
   * record when it was minted (docs/decisions/0045).
   */
  async #tell(): Promise<void> {
    const { unit, leases, clock, revoker } = this.#context
    // One moment for the whole round: a deadline between two readings of the clock would be neither due nor next.
    const now = clock.now()
    for (let last: StoredLease | undefined; !this.#stopped; await breathe()) {
      const due = await unit.read((tx) => leases.due(tx, now, (id) => revoker.isUnderWay(id), last))
      for (const lease of due) {
        if (!isOverdue(lease, now)) void revoker.revoke(lease)
        else if (hasRunOut(lease, now)) this.#keep(this.#retire(lease))
        else {
          this.#told.push(lease)
          void revoker.revoke(lease)
        }
      }
      last = due.at(-1)
      if (!last) break
    }
    if (!this.#stopped) this.#sleepUntil(await unit.read((tx) => leases.nextDue(tx, now)))
  }

  async #end(): Promise<void> {
    const { unit, tasks, clock, unrecorded } = this.#context
    await this.#tells.current
    await this.#callsFirst(clock.now())
    const now = clock.now()
    const told = this.#told.splice(0)
    const ended = await this.#endAll(now)
    if (this.#stopped) return
    await this.#complain(told.filter(({ task }) => !ended.has(task)))
    if (!(await unrecorded.record())) this.wake(clock.now() + storeRetryMs)
    this.#sleepUntil(await unit.read((tx) => tasks.nextDue(tx, now)))
  }

  /**
   * Where a crowd is due, waits while upstreams answer for it: no call waits for the record of an end, and what
   * became of a lease retires it in the same write. For a while only, since a task that is over is to be seen to be.
   */
  async #callsFirst(since: number): Promise<void> {
    const { clock, revoker } = this.#context
    for (let still = 0, seen = revoker.answered; still < stillTurns && revoker.underWay > crowd;) {
      if (this.#stopped || clock.now() - since >= callsFirstMs) return
      await breathe()
      still = revoker.answered > seen ? 0 : still + 1
      seen = revoker.answered
    }
  }

  /** Of a damaged row a time may be anything; a timer for what is no number fires at once, without end. */
  #sleepUntil(next: number | undefined): void {
    if (Number.isFinite(next)) this.wake(next!)
  }

  /** Ends the tasks that are due, many in one unit of work. Returns their ids. */
  async #endAll(now: number): Promise<Set<string>> {
    const { unit, tasks } = this.#context
    const ended = new Set<string>()
    while (!this.#stopped) {
      const due = await unit.read((tx) => tasks.due(tx, now, tasksAtOnce))
      const done = await Promise.all(due.map((task) => this.#endOne(task)))
      due.forEach(({ id }, at) => done[at] && ended.add(id))
      // When the store takes no writes, the rest would be the same tasks again.
      if (due.length < tasksAtOnce || !done.every(Boolean)) break
    }
    return ended
  }

  /** What is under way was told already. */
  #revokeAll(leases: readonly StoredLease[]): void {
    for (const lease of leases) void this.#context.revoker.revoke(lease)
  }

  /** Leases that have outlived their task, whose end could not be recorded, or somebody has spoilt that row. */
  async #complain(leases: readonly Lease[]): Promise<void> {
    const { unit, tasks, log } = this.#context
    for (const { id, task } of leases) {
      const stored = await unit.read((tx) => tasks.get(tx, task))
      if (!stored || 'damaged' in stored || (openStatuses as readonly string[]).includes(stored.status))
        log.error({ lease: id, task }, 'a lease has outlived its task, whose end is not recorded')
    }
  }

  /** The lease has an end of its own (I3), beyond which something made with its credential can act. */
  async #retire(lease: Lease): Promise<void> {
    const { unit, log, revoker } = this.#context
    const cause = { reason: 'its credential has expired', actor: 'broker' } as const
    try {
      await unit.write((tx) => retire(this.#context, tx, { id: lease.id }, cause))
    } catch (error) {
      log.error({ err: error, lease: lease.id }, 'the end of a lease could not be recorded yet')
    }
    void revoker.revoke(lease)
  }

  /** `retiring` must not reject. */
  #keep(retiring: Promise<void>): void {
    const kept = retiring.finally(() => this.#retiring.delete(kept))
    this.#retiring.add(kept)
  }

  /** Ends the task for what is due of it, unless its workload was heard meanwhile. */
  async #endIn(tx: Tx, task: StoredTask): Promise<StoredLease[]> {
    const { tasks, clock, heartbeats, log } = this.#context
    if ('damaged' in task) log.error({ task: task.id, damage: task.damaged }, 'a task row is damaged')
    const now = clock.now()
    const end = (reason: EndReason) => endTask(this.#context, tx, task, { reason, actor: 'broker' })
    if (task.expiresAt <= now || 'damaged' in task)
      return await end(task.status === 'pending_approval' ? 'approval_expired' : 'deadline')
    const stored = await tasks.get(tx, task.id)
    const listened = stored && !('damaged' in stored) ? (stored.silentAt ?? 0) : 0
    const silentAt = Math.max(listened, heartbeats.silentAt(task))
    if (silentAt <= now) return await end('heartbeat_missed')
    await tasks.hear(tx, task.id, silentAt)
    return []
  }

  /** What dies with the task, where that is due and nobody was heard. */
  async #liveOf(task: StoredTask): Promise<StoredLease[]> {
    const { unit, tasks, leases, clock, heartbeats } = this.#context
    const now = clock.now()
    if (!('damaged' in task) && task.expiresAt > now && heartbeats.silentAt(task) > now) return []
    return await unit.read(async (tx) => {
      const found: StoredLease[] = []
      for (const { id } of [task, ...(await tasks.below(tx, task.id))])
        found.push(...(await leases.find(tx, { task: id, statuses: ['active', 'revoking'] })))
      return found
    })
  }

  async #endOne(task: StoredTask): Promise<boolean> {
    const { revoker, log, clock } = this.#context
    try {
      const about = { task: task.id, to: 'end' } as const
      const leaving = await revoker.records.write((tx) => this.#endIn(tx, task), about)
      // Nobody waits here for what another broker is ending.
      this.#revokeAll(leaving.filter((lease) => !isElsewhere(lease)))
      return true
    } catch (error) {
      log.error({ err: error, task: task.id }, 'the end of a task could not be recorded yet')
      // Failing closed governs granting. A due revocation is sent all the same; the record follows (invariant I6).
      this.#revokeAll(await this.#liveOf(task))
      this.wake(clock.now() + storeRetryMs)
      return false
    }
  }
}

/** Whether it is still in use although its time is up, and something of it can act upstream. */
function isOverdue(lease: StoredLease, now: number): lease is Lease {
  if ('damaged' in lease) return false
  const { status, standsUntil } = lease
  return status === 'active' && (standsUntil === null || standsUntil > now)
}

function hasRunOut({ upstreamExpiresAt }: Lease, now: number): boolean {
  return upstreamExpiresAt !== null && upstreamExpiresAt <= now
}
