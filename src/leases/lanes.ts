/**
 * The ways to one upstream: being told of ends, being asked what became of them, and minting.
 * They share what it can take at once, and each leaves the others their part.
 */
import { ProviderError } from '../provider/failure.ts'
import type { Evidence, Handle, RevocationOutcome } from '../provider/upstream.ts'
import { longestPauseMs } from './backoff.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { Lane } from './lane.ts'
import type { Lease } from './lease.ts'
import { probe } from './probe.ts'
import { withUpkeep } from './standing.ts'
import { Throttle } from './throttle.ts'

/** The most that are sent at once where the configuration does not say. */
const mostAtOnce = 100
/** What looks get while there is more to end, one in so many: ends come first, and looks keep up. */
const looksShare = 16
/** What ends and looks keep of all calls while they give way: one in so many. */
const wayShare = 8
/**
 * How long an upstream must have answered nothing for its first answer to bring
 * others forward: longer than any pause. Shorter, and a lease that is refused again
 * and again would hasten those that fail, for an upstream that was never silent.
 */
const silenceMs = 2 * longestPauseMs

interface Ending {
  handle: Handle
  outcome?: RevocationOutcome
}

interface Looking {
  handle: Handle
  evidence?: Evidence
}

const never = () => false

/** Too much at once, or no answer worth the name. */
function isTrouble(outcomes: RevocationOutcome[] | ProviderError): boolean {
  if (outcomes instanceof ProviderError) return outcomes.kind === 'unavailable'
  return outcomes.some((outcome) => !outcome.done && outcome.error.kind === 'unavailable')
}

/** The lanes of one connection. */
export class Lanes {
  readonly entry: ConnectionEntry
  readonly #context: LeaseContext
  readonly #givesWay: () => boolean
  readonly #answersAgain: () => Promise<void>
  readonly #endings: Lane<Ending>
  readonly #looks: Lane<Looking>
  readonly #throttle: Throttle
  #mints = 0
  /** Since when upstream has answered nothing, milliseconds since 1970. */
  #silentSince: number | undefined

  /** `answersAgain`: called when upstream answers after a silence. `givesWay`: whether others need this process more. */
  constructor(
    context: LeaseContext,
    entry: ConnectionEntry,
    { answersAgain, givesWay }: { answersAgain: () => Promise<void>; givesWay: () => boolean },
  ) {
    this.entry = entry
    this.#context = context
    this.#answersAgain = answersAgain
    this.#givesWay = givesWay
    this.#throttle = new Throttle(context.clock, entry.concurrency ?? mostAtOnce)
    this.#endings = new Lane({
      room: (busy) => this.#hasRoomToEnd(busy),
      batch: entry.upstream.revokesAtOnce,
      work: (turns) => this.#end(turns),
      freed: () => this.#looks.fill(),
    })
    this.#looks = new Lane({
      room: (busy) => this.#hasRoomToLook(busy),
      batch: 1,
      work: async ([turn]) => {
        // That it cannot be told what became of a credential is no sign of trouble.
        turn!.evidence = await this.#throttle.run('look', () => probe(context, entry, turn!.handle), never)
      },
      freed: () => this.#endings.fill(),
    })
  }

  /** What waits for its turn, and how many calls are made at once. */
  get queue(): { revocations: number; looks: number; limit: number } {
    return {
      revocations: this.#endings.length,
      looks: this.#looks.length,
      limit: this.#throttle.limit,
    }
  }

  /** A mint waits for nothing. The room that it takes is lost to ends and looks, which keep half of the limit in any case. */
  async mint<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#mints += 1
    try {
      return await call()
    } finally {
      this.#mints -= 1
      this.#endings.fill()
      this.#looks.fill()
    }
  }

  /** One at least, however little room mints leave. Looks that wait keep their share of it. */
  #hasRoomToEnd(busy: number): boolean {
    const looks = Math.max(this.#looks.busy, this.#looks.waits ? this.#share : 0)
    return busy === 0 || this.#hasRoom(busy + looks)
  }

  /** One at least as well. No more than their share while there is more to end. */
  #hasRoomToLook(busy: number): boolean {
    if (busy === 0) return true
    if (this.#endings.waits && busy >= this.#share) return false
    return this.#hasRoom(busy + this.#endings.busy)
  }

  /** Whether another call may be made beside so many ends and looks. */
  #hasRoom(busy: number): boolean {
    const limit = this.#limit
    return busy < Math.max(Math.ceil(limit / 2), limit - this.#mints)
  }

  get #share(): number {
    return Math.max(1, Math.floor(this.#limit / looksShare))
  }

  get #limit(): number {
    const { limit } = this.#throttle
    return this.#givesWay() ? Math.ceil(limit / wayShare) : limit
  }

  /** Tells upstream once that the credential is to end. */
  async end({ agent, owner }: Lease, handle: Handle): Promise<RevocationOutcome> {
    const turn: Ending = { handle }
    await this.#endings.add(whoseOf(agent, owner), turn)
    return turn.outcome!
  }

  /** Tries the credential once. */
  async look({ agent, owner }: Lease, handle: Handle): Promise<Evidence> {
    const turn: Looking = { handle }
    await this.#looks.add(whoseOf(agent, owner), turn)
    return turn.evidence!
  }

  async #end(turns: Ending[]): Promise<void> {
    const outcomes = await this.#callUpstream(turns.map(({ handle }) => handle))
    for (const [index, turn] of turns.entries()) turn.outcome = outcomes[index]!
    if (this.#breaksSilence(outcomes)) await this.#answersAgain()
  }

  async #callUpstream(handles: Handle[]): Promise<RevocationOutcome[]> {
    const { upstream } = this.entry
    const call = () => withUpkeep(this.#context, this.entry, (upkeep) => upstream.revoke(handles, upkeep))
    const outcomes = await this.#throttle.run('end', call, isTrouble)
    return outcomes instanceof ProviderError
      ? handles.map(() => ({ done: false, error: outcomes }))
      : outcomes
  }

  /** Whether upstream answers after a silence. A failure here and there is none: hastening then would undo the back-off. */
  #breaksSilence(outcomes: RevocationOutcome[]): boolean {
    const now = this.#context.clock.now()
    const since = this.#silentSince
    const answered = outcomes.some((outcome) => outcome.done || outcome.error.kind === 'rejected')
    this.#silentSince = answered ? undefined : (since ?? now)
    return answered && since !== undefined && now - since >= silenceMs
  }
}

/** Turns are taken by agents, and by each person whose an agent is. */
function whoseOf(agent: string, owner: string): string {
  return `${agent} ${owner}`
}
