/**
 * Credentials kept for a task's tools: one for each detail, used for every call that needs it, and
 * followed by another before upstream ends it (docs/decisions/0055).
 */
import { canonicalize } from '../base/canonical.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { isOver } from '../wire/lease-states.ts'
import type { AuthorizationDetail, CallOptions, Client, MintedCredential, TaskAccess } from './client.ts'
import { passes } from './problem.ts'

export interface KeptCredential extends MintedCredential {
  /**
   * Until when it may be used: then there is another, and this one is given back. Milliseconds
   * since 1970, never later than its own end or the task's.
   */
  until: number
}

/** It is followed by another when so much of its life is left, and no more than `longestMarginMs`. */
const marginShare = 1 / 4
const longestMarginMs = 60_000
/** For so long what was just handed out stays good: a tool that looks at the time must not find it over. */
const handoverMs = 2_000
/** For so long a credential works on beside its successor: calls with it may be under way. */
const overlapMs = 3_000
/** Between attempts to have a successor in time: at first, and at most, as each that fails doubles it. */
const againMs = 1_000
const longestAgainMs = 30_000

/** The broker has taken one back, and has not seen it dead. */
class StillAlive extends Error {
  constructor() {
    super('the credential before the last one may still work, so there is no other yet')
    this.name = 'StillAlive'
  }
}

interface Held extends KeptCredential {
  /** When it is to be followed by another; never, where it lasts as long as the task. */
  renewAt: number
  /** When upstream ends it. */
  end: number
}

interface Slot {
  detail: AuthorizationDetail
  held?: Held | undefined
  /** One call of the broker at a time. */
  minting?: Promise<Held> | undefined
  /** Gives back the one before, which is alive until then. Rejects where it may live on. */
  leaving?: (() => Promise<void>) | undefined
  followers: Set<(kept: KeptCredential) => void>
  pinned: boolean
  timer?: Timer | undefined
  /** Before the next attempt, should one fail. */
  againMs: number
}

export class KeptCredentials implements Disposable {
  readonly #client: Client
  readonly #task: TaskAccess
  readonly #clock: Clock
  readonly #taskEnds: number
  /** By the detail, as canonical JSON: whoever asks may write its members in another order. */
  readonly #slots = new Map<string, Slot>()
  readonly #timers = new Set<Timer>()
  #disposed = false

  /** `ends`: when the task does, milliseconds since 1970. */
  constructor({
    client,
    task,
    clock,
    ends,
  }: {
    client: Client
    task: TaskAccess
    clock: Clock
    ends: number
  }) {
    this.#client = client
    this.#task = task
    this.#clock = clock
    this.#taskEnds = ends
  }

  /** The one for `detail` as it is now. @throws BrokerProblem, BrokerUnreachable where there is none that works */
  async get(detail: AuthorizationDetail, options?: CallOptions): Promise<KeptCredential> {
    const slot = this.#slotOf(detail)
    try {
      return await this.#fresh(slot, options)
    } catch (error) {
      // A broker that restarts is no reason to fail as long as what there is still works.
      const { held } = slot
      if (held && this.#clock.now() < held.end) return { ...held, until: held.end }
      throw error
    }
  }

  /** Whether nothing is to follow it: it lasts as long as the task. */
  lasts(detail: AuthorizationDetail): boolean {
    return this.#slotOf(detail).held?.renewAt === Infinity
  }

  /** Has the one for `detail` renewed in time although nobody asks, and tells `use` of each that follows. */
  follow(detail: AuthorizationDetail, use: (kept: KeptCredential) => void = () => undefined): void {
    const slot = this.#slotOf(detail)
    slot.followers.add(use)
    this.#renewInTime(slot)
  }

  /** Leaves the one for `detail` alone to the end of the task: it is where no other can come in its place. */
  pin(detail: AuthorizationDetail): void {
    this.#slotOf(detail).pinned = true
  }

  /** Forgets the one with this token. @returns whether it is to be given back, which is up to the caller */
  discard(token: string): boolean {
    let pinned = false
    for (const slot of this.#slots.values()) {
      if (slot.held?.credential['token'] !== token) continue
      slot.held = undefined
      pinned ||= slot.pinned
      slot.pinned = false
      this.#renewInTime(slot)
    }
    return !pinned
  }

  /** Renews nothing from now on. What it holds ends with the task. */
  [Symbol.dispose](): void {
    this.#disposed = true
    for (const timer of this.#timers) timer.cancel()
  }

  #slotOf(detail: AuthorizationDetail): Slot {
    const key = canonicalize(detail)
    const slot = this.#slots.get(key) ?? { detail, followers: new Set(), pinned: false, againMs }
    this.#slots.set(key, slot)
    return slot
  }

  async #fresh(slot: Slot, options?: CallOptions): Promise<Held> {
    if (slot.held && this.#clock.now() < slot.held.renewAt) return slot.held
    slot.minting ??= this.#mint(slot, options).finally(() => (slot.minting = undefined))
    return await slot.minting
  }

  async #mint(slot: Slot, options?: CallOptions): Promise<Held> {
    // INVARIANT: at most two of one detail are alive. One that cannot be given back lets no third come before its end.
    await slot.leaving?.()
    const asked = this.#clock.now()
    const minted = await this.#client.credential(this.#task, slot.detail, options)
    const { held: before } = slot
    slot.held = { ...minted, ...this.#life(minted, asked) }
    slot.leaving = before && this.#leave(before)
    slot.againMs = againMs
    for (const use of slot.followers) use(slot.held)
    // Also where renewing was given up: whoever asked was not refused.
    this.#renewInTime(slot, againMs)
    return slot.held
  }

  /** Told by our own clock, whatever the broker's says: it is by ours that tools look whether the time is up. */
  #life({ lease }: MintedCredential, asked: number): Pick<Held, 'renewAt' | 'end' | 'until'> {
    const [born, deadline, upstream] = [lease.created_at, lease.deadline, lease.upstream_expires_at].map(
      (time) => (time === null ? Infinity : Date.parse(time)),
    ) as [number, number, number]
    const said = Math.min(deadline, upstream)
    const end = asked + (said - born)
    const margin = Math.min(longestMarginMs, (said - born) * marginShare)
    // Only where upstream's end comes before the task's is there another to be had.
    if (said >= this.#taskEnds - margin) return { renewAt: Infinity, end, until: said }
    const renewAt = end - margin
    return { renewAt, end, until: Math.min(said, renewAt + Math.min(handoverMs, margin / 2)) }
  }

  /** Gives it back when the overlap is over, or as soon as the returned function is called. */
  #leave({ lease, end }: Held): () => Promise<void> {
    let gone: Promise<void> | undefined
    const give = async () => {
      timer.cancel()
      this.#timers.delete(timer)
      if (this.#clock.now() >= end) return
      gone ??= this.#giveBack(lease.id)
      // Tried again before there is a third; else it ends with its own life, or the task's.
      await gone.catch((error: unknown) => {
        gone = undefined
        throw error
      })
    }
    const timer = this.#after(overlapMs, () => void give().catch(() => undefined))
    return give
  }

  async #giveBack(lease: string): Promise<void> {
    if (!isOver(await this.#client.giveBack(this.#task, lease))) throw new StillAlive()
  }

  /** No sooner than in `ms`. */
  #renewInTime(slot: Slot, ms = 0): void {
    const at = slot.held?.renewAt ?? 0
    slot.timer?.cancel()
    if (slot.followers.size === 0 || at === Infinity || this.#disposed) return
    slot.timer = this.#after(Math.max(ms, at - this.#clock.now()), () => void this.#renew(slot))
  }

  async #renew(slot: Slot): Promise<void> {
    let pause = againMs
    try {
      await this.#fresh(slot)
    } catch (error) {
      // Refused for good, it would be refused each time, and each time is on record.
      if (!passes(error) && !(error instanceof StillAlive)) return
      pause = slot.againMs
      slot.againMs = Math.min(pause * 2, longestAgainMs)
    }
    this.#renewInTime(slot, pause)
  }

  #after(ms: number, work: () => void): Timer {
    const timer = this.#clock.after(Math.max(0, ms), () => {
      this.#timers.delete(timer)
      work()
    })
    this.#timers.add(timer)
    if (this.#disposed) timer.cancel()
    return timer
  }
}
