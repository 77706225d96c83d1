/**
 * The two ways to one upstream: being told of ends, and being asked what became of them.
 * Each has slots of its own, so that a slow answer to the one holds up none of the other.
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

/** As many of each: an end is on record only once it was seen. */
const slots = 32
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

/** The lanes of one connection. */
export class Lanes {
  readonly entry: ConnectionEntry
  readonly #context: LeaseContext
  readonly #answersAgain: () => Promise<void>
  readonly #endings: Lane<Ending>
  readonly #looks: Lane<Looking>
  /** Since when upstream has answered nothing, milliseconds since 1970. */
  #silentSince: number | undefined

  /** `answersAgain`: called when upstream answers after a silence. */
  constructor(context: LeaseContext, entry: ConnectionEntry, answersAgain: () => Promise<void>) {
    this.entry = entry
    this.#context = context
    this.#answersAgain = answersAgain
    this.#endings = new Lane({
      slots,
      batch: entry.upstream.revokesAtOnce,
      work: (turns) => this.#end(turns),
    })
    this.#looks = new Lane({
      slots,
      batch: 1,
      work: async ([turn]) => void (turn!.evidence = await probe(context, entry, turn!.handle)),
    })
  }

  /** Tells upstream once that the credential is to end. */
  async end({ agent }: Lease, handle: Handle): Promise<RevocationOutcome> {
    const turn: Ending = { handle }
    await this.#endings.add(agent, turn)
    return turn.outcome!
  }

  /** Tries the credential once. */
  async look({ agent }: Lease, handle: Handle): Promise<Evidence> {
    const turn: Looking = { handle }
    await this.#looks.add(agent, turn)
    return turn.evidence!
  }

  async #end(turns: Ending[]): Promise<void> {
    const outcomes = await this.#callUpstream(turns.map(({ handle }) => handle))
    for (const [index, turn] of turns.entries()) turn.outcome = outcomes[index]!
    if (this.#breaksSilence(outcomes)) await this.#answersAgain()
  }

  async #callUpstream(handles: Handle[]): Promise<RevocationOutcome[]> {
    const { upstream } = this.entry
    const outcomes = await withUpkeep(this.#context, this.entry, (upkeep) => upstream.revoke(handles, upkeep))
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
