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
  /** Runs `work` while nobody else, in this or another broker, runs work under the same key. */
  exclusive: <T>(key: string, work: () => Promise<T>) => Promise<T>
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
/** The place is noted at least each so many events, and milliseconds in which there was any: what comes after it is read again after a restart. */
const notedEach = 1_000
const notedWithinMs = 10 * 60_000
/** What is older can be waiting for nobody any more: a task waits at most a week for its approvals. */
const weekMs = 7 * 24 * 3600 * 1000

export class Follower<Item> {
  readonly #context: FollowContext
  readonly #name: string
  #listener: Listener<Item>
  /** Up to where this process has found nothing left to hand on; undefined until it has looked. */
  #passed: Head | undefined
  #notedAt = -Infinity
  #running: Promise<void> | undefined
  #isWoken = false
  #isStopped = false
  /** Ends the wait between two attempts. */
  #hurry: (() => void) | undefined
  #waitingSince: number | undefined

  /** `name` is that of its cursor. */
  constructor(context: FollowContext, name: string, listener: Listener<Item>) {
    this.#context = context
    this.#name = name
    this.#listener = listener
  }

  /** When what it tries to hand on now happened, milliseconds since 1970; undefined where it has handed on all. */
  get oldest(): number | undefined {
    return this.#waitingSince
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
    const { exclusive, log } = this.#context
    for (let failures = 0; this.#isWoken && !this.#isStopped;) {
      this.#isWoken = false
      const outcome = await exclusive(this.#name, () => this.#catchUp()).catch((error: unknown) => {
        log.error({ err: error, cursor: this.#name }, 'the record could not be followed yet')
        return { done: false, retryAfter: undefined } as const
      })
      if (outcome.done) {
        failures = 0
        continue
      }
      failures += 1
      this.#isWoken = true
      // Nobody is kept from trying meanwhile: another broker may reach the receiver.
      await this.#pause(backoff(failures, outcome.retryAfter))
    }
  }

  /** Hands on what there is, in order, up to the first that is not taken. */
  async #catchUp(): Promise<Handed> {
    let place = await this.#begin()
    let noted = place.seq
    for (let more = true; more && !this.#isStopped;) {
      const page = await this.#read(place)
      for (const { event, item } of page) {
        if (item !== undefined) {
          if (this.#isStopped) return { done: true }
          const handed = await this.#hand(item, event)
          if (!handed.done) return handed
        }
        place = event
        if (item !== undefined || event.seq - noted >= notedEach) {
          await this.#note(place)
          noted = place.seq
        }
        this.#passed = { seq: place.seq, mac: place.mac }
      }
      more = page.length === pageSize
    }
    if (place.seq > noted && this.#context.clock.now() - this.#notedAt >= notedWithinMs)
      await this.#note(place)
    this.#waitingSince = undefined
    return { done: true }
  }

  async #hand(item: Item, { at }: ChainedEvent): Promise<Handed> {
    this.#waitingSince = at
    const handed = await this.#listener.hand(item)
    this.#listener.attempted?.(handed)
    if (handed.done) this.#waitingSince = undefined
    else this.#context.log.warn({ cursor: this.#name, reason: handed.reason }, 'not handed on yet')
    return handed
  }

  /** The next events, and what has to be heard of them. */
  async #read(place: Head): Promise<{ event: ChainedEvent; item: Item | undefined }[]> {
    const { unit, audit, log } = this.#context
    return await unit.read(async (tx) => {
      const first = await audit.origin(tx)
      let previous = place
      // What was pruned is no gap in the chain, but it was not looked at either.
      if (first.seq > place.seq) {
        previous = first
        log.error(
          { cursor: this.#name, from: place.seq + 1, to: first.seq },
          'events were pruned before they could be handed on: `retention.audit` is shorter than what was waited for',
        )
      }
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

  async #note({ seq, mac }: Head): Promise<void> {
    const { unit, cursors, clock } = this.#context
    await unit.write((tx) => cursors.put(tx, { name: this.#name, seq, mac }))
    this.#notedAt = clock.now()
  }

  /**
   * Where the last one was, be it this process, one before it or another broker; at the end of
   * the record for one that is new.
   */
  async #begin(): Promise<Head> {
    const { unit, audit, cursors, log } = this.#context
    const stored = await unit.read((tx) => cursors.get(tx, this.#name))
    const known = stored && !('damaged' in stored) && stored.mac !== null
    if (known) {
      const place = { seq: stored.seq, mac: stored.mac! }
      return this.#passed && this.#passed.seq > place.seq ? this.#passed : place
    }
    if (stored)
      log.error(
        { cursor: this.#name },
        'somebody has altered how far the record was followed, and a week of it is followed again',
      )
    return await unit.write(async (tx) => {
      const { seq, mac } = stored
        ? await this.#aWeekAgo(tx)
        : ((await audit.head(tx)) ?? (await audit.origin(tx)))
      await cursors.put(tx, { name: this.#name, seq, mac })
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
