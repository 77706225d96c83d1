/**
 * Follows the record for one who has to hear of it: in order, at least once, across restarts
 * and `kill -9`, each event held against the chain before it is believed (docs/decisions/0059).
 */
import { follows } from '../audit/chain.ts'
import type { AuditTrail, ChainedEvent, Head } from '../audit/event.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx, Unit } from '../base/unit.ts'
import { backoff } from '../leases/backoff.ts'
import type { CursorStore } from './cursor.ts'

export interface FollowContext {
  unit: Unit
  audit: AuditTrail
  cursors: CursorStore
  seal: Seal
  clock: Clock
  log: Log
}

/** How handing something on went. */
export type Handed =
  { done: true } | { done: false; reason: string; /** Seconds. */ retryAfter?: number | undefined }

/** Whom it follows for. */
export interface Listener<Item> {
  /** What it has to hear of these events, at once in the snapshot that they were read in. */
  select(tx: Tx, event: ChainedEvent): Promise<Item | undefined>
  hand(item: Item): Promise<Handed>
  /** Hears of each attempt. */
  attempted?(handed: Handed): void
}

/** Events read in one go. */
const pageSize = 200
/** Events that may be read again after a restart: the place is noted at least this often. */
const notedEach = 1_000
/** What is older can be waiting for nobody any more: a task waits at most a week for its approvals. */
const weekMs = 7 * 24 * 3600 * 1000

export class Follower<Item> {
  readonly #context: FollowContext
  readonly #name: string
  #listener: Listener<Item>
  /** Undefined until it is read. */
  #place: Head | undefined
  /** Up to where the store knows, and whether it does not yet know of something that was handed on. */
  #noted = 0
  #isOwed = false
  #running: Promise<void> | undefined
  #isWoken = false
  #isStopped = false
  /** Ends the wait between two attempts. */
  #hurry: (() => void) | undefined
  #waiting: { since: number } | undefined

  /** `name` is that of its cursor. */
  constructor(context: FollowContext, name: string, listener: Listener<Item>) {
    this.#context = context
    this.#name = name
    this.#listener = listener
  }

  /** When what it tries to hand on now happened, milliseconds since 1970; undefined where it has handed on all. */
  get oldest(): number | undefined {
    return this.#waiting?.since
  }

  /** From the next attempt on somebody else hears of it; what waits is tried at once. */
  replace(listener: Listener<Item>): void {
    this.#listener = listener
    this.#hurry?.()
  }

  /** There may be something new. */
  wake(): void {
    if (this.#isStopped) return
    this.#isWoken = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // It was woken while it came to its end.
      if (this.#isWoken) this.wake()
    })
  }

  /** What is being handed on is waited for; the rest is for the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#hurry?.()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#isWoken && !this.#isStopped;) {
      this.#isWoken = false
      try {
        await this.#catchUp()
        failures = 0
      } catch (error) {
        failures += 1
        this.#context.log.error({ err: error, cursor: this.#name }, 'the record could not be followed yet')
        this.#isWoken = true
        await this.#pause(backoff(failures, undefined))
      }
    }
  }

  async #catchUp(): Promise<void> {
    this.#place ??= await this.#begin()
    if (this.#isOwed) await this.#note()
    for (let more = true; more && !this.#isStopped;) {
      const page = await this.#read(this.#place)
      for (const { event, item } of page) {
        if (item !== undefined && !(await this.#handOn(item, event.at))) return
        this.#place = event
        if (item !== undefined || event.seq - this.#noted >= notedEach) await this.#note()
      }
      more = page.length === pageSize
    }
  }

  /** The next events, and what has to be heard of them. */
  async #read(place: Head): Promise<{ event: ChainedEvent; item: Item | undefined }[]> {
    const { unit, audit } = this.#context
    return await unit.read(async (tx) => {
      const first = await audit.origin(tx)
      // What was pruned is no gap.
      let previous = first.seq > place.seq ? first : place
      const page: { event: ChainedEvent; item: Item | undefined }[] = []
      for (const event of await audit.page(tx, previous.seq, pageSize)) {
        const item = this.#isGenuine(previous, event) ? await this.#listener.select(tx, event) : undefined
        page.push({ event, item })
        previous = event
      }
      return page
    })
  }

  /** False, and told, where somebody has altered the record, or taken events out of it: what is said there is not believed. */
  #isGenuine(previous: Head, event: ChainedEvent): boolean {
    const { seal, log } = this.#context
    if (follows(seal, previous, event)) return true
    log.error(
      { cursor: this.#name, seq: event.seq },
      'the record is not as it was written, and nothing is told of what stands there: run `mayfly audit verify`',
    )
    return false
  }

  /** Until it is done. False where it was stopped before. */
  async #handOn(item: Item, since: number): Promise<boolean> {
    this.#waiting = { since }
    try {
      for (let failures = 1; ; failures += 1) {
        const handed = await this.#listener.hand(item)
        this.#listener.attempted?.(handed)
        if (handed.done) return true
        if (this.#isStopped) return false
        this.#context.log.warn({ cursor: this.#name, failures, reason: handed.reason }, 'not handed on yet')
        await this.#pause(backoff(failures, handed.retryAfter))
        if (this.#isStopped) return false
      }
    } finally {
      this.#waiting = undefined
    }
  }

  async #note(): Promise<void> {
    const { unit, cursors } = this.#context
    const { seq, mac } = this.#place!
    this.#isOwed = true
    await unit.write((tx) => cursors.put(tx, { name: this.#name, seq, mac }))
    this.#isOwed = false
    this.#noted = seq
  }

  /** Where the last process was; at the end of the record for one that is new. */
  async #begin(): Promise<Head> {
    const { unit, audit, cursors, log } = this.#context
    return await unit.write(async (tx) => {
      const stored = await cursors.get(tx, this.#name)
      if (stored && !('damaged' in stored) && stored.mac !== null) {
        this.#noted = stored.seq
        return { seq: stored.seq, mac: stored.mac }
      }
      if (stored)
        log.error(
          { cursor: this.#name },
          'somebody has altered how far the record was followed, and a week of it is followed again',
        )
      const place = stored ? await this.#aWeekAgo(tx) : ((await audit.head(tx)) ?? (await audit.origin(tx)))
      const { seq, mac } = place
      await cursors.put(tx, { name: this.#name, seq, mac })
      this.#noted = seq
      return { seq, mac }
    })
  }

  /** The last event that is older than a week. */
  async #aWeekAgo(tx: Tx): Promise<Head> {
    const { audit, clock } = this.#context
    const before = clock.now() - weekMs
    const first = await audit.origin(tx)
    let place = first
    for (let [low, high] = [first.seq, (await audit.head(tx))?.seq ?? 0]; low < high;) {
      const middle = Math.ceil((low + high) / 2)
      const event = await audit.get(tx, middle)
      if (event && event.at >= before) high = middle - 1
      else {
        low = middle
        if (event) place = { seq: event.seq, mac: event.mac }
      }
    }
    return place
  }

  async #pause(ms: number): Promise<void> {
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#hurry = resolve
      timer = this.#context.clock.after(ms, resolve)
      if (this.#isStopped) resolve()
    })
    this.#hurry = undefined
    timer?.cancel()
  }
}
