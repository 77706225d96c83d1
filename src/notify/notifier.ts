/** Tells people what waits for them: one follower of the record for each receiver, none of which waits for another. */
import type { Agent } from '../agents/agent.ts'
import type { AuditEvent, ChainedEvent } from '../audit/event.ts'
import type { Timer } from '../base/clock.ts'
import { type FollowContext, Follower, type Handed, type Listener } from './follow.ts'
import type { Notice, Told } from './notice.ts'
import { dayOf, recordNearReviews } from './review-dates.ts'
import type { Target } from './target.ts'
import { isTold, noticeOf } from './wordings.ts'

/** How often the record is looked at of which nobody has to be told yet, so that there is little to look through when there is. */
const lookMs = 1_000

export type NotifyContext = FollowContext &
  Told & {
    /** Those in force now. */
    agents: () => Iterable<Agent>
    /** Hears of each delivery, or attempt at one. */
    attempted?: (target: string, handed: Handed) => void
  }

export class Notifier {
  readonly #context: NotifyContext
  readonly #followers = new Map<string, Follower<Notice>>()
  #timer: Timer | undefined
  #reviewedOn: number | undefined
  #reviewing: Promise<void> = Promise.resolve()
  /** Who is told no longer, and may still be taking something. */
  #leaving: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(context: NotifyContext) {
    this.#context = context
  }

  /** From now on these are told, from where each was left; one that is new, from now on. */
  adopt(targets: readonly Target[]): void {
    const wanted = new Map(targets.map((target) => [target.name, target]))
    for (const [name, follower] of this.#followers)
      if (!wanted.has(name)) {
        this.#followers.delete(name)
        this.#leaving = Promise.all([this.#leaving, follower.stop()])
      }
    for (const [name, target] of wanted) {
      const listener = this.#listenerOf(target)
      const follower = this.#followers.get(name)
      if (follower) follower.replace(listener)
      else this.#followers.set(name, new Follower(this.#context, `notify ${name}`, listener))
    }
    this.#timer?.cancel()
    this.#look()
  }

  /** To be called with what a commit has recorded. */
  committed(events: readonly AuditEvent[]): void {
    if (events.some(isTold)) this.#wake()
  }

  /** Of each receiver how many milliseconds ago it happened what it has to be told next; 0 where it has been told all. */
  ages(): { target: string; ms: number }[] {
    const now = this.#context.clock.now()
    return [...this.#followers].map(([target, { oldest }]) => ({
      target,
      ms: oldest === undefined ? 0 : Math.max(0, now - oldest),
    }))
  }

  /** What is under way is waited for, the rest is for the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    const followers = [...this.#followers.values()].map((follower) => follower.stop())
    await Promise.all([this.#reviewing, this.#leaving, ...followers])
  }

  #wake(): void {
    for (const follower of this.#followers.values()) follower.wake()
  }

  #look(): void {
    if (this.#isStopped || this.#followers.size === 0) return
    this.#wake()
    const { clock, agents, log } = this.#context
    const today = dayOf(clock.now())
    if (this.#reviewedOn !== today) {
      this.#reviewedOn = today
      this.#reviewing = recordNearReviews(this.#context, agents()).catch((error: unknown) => {
        this.#reviewedOn = undefined
        log.error({ err: error }, 'review dates could not be looked at yet')
      })
    }
    this.#timer = clock.after(lookMs, () => this.#look())
  }

  #listenerOf(target: Target): Listener<Notice> {
    return {
      select: (tx, event: ChainedEvent) => noticeOf(this.#context, tx, event),
      hand: (notice) => target.deliver(notice),
      attempted: (handed) => this.#context.attempted?.(target.name, handed),
    }
  }
}
