/**
 * Stops granting when somebody else has written to the store. Brokers are its only
 * writers: the engine tells when anybody else has committed, and then all is looked
 * through. Ending goes on in any case (invariant I4).
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import type { Snapshot } from './connection.ts'
import type { HeadKeeper } from './head.ts'
import { type Expected, type Found, inspect, inspectOpen, type Intrusion } from './inspection.ts'
import type { RowMacs } from './row-macs.ts'
import type { SealedTable } from './sealed-tables.ts'

/** Without these nothing is granted. They are small: what is over is forgotten in them. */
const first = [
  'fences',
  'installation',
  'federation_keys',
  'idempotency',
  'used_tokens',
  'delegations',
  'counts',
] as const
/**
 * Looked through while granting goes on; to tasks that were open before nothing is granted until it is known
 * that each of them is (docs/decisions/0061). Approvals need not be: each holds for one request
 * with all the groups that it needs, so with one that is missing nobody gets anything.
 */
const then = ['leases', 'tasks', 'cursors', 'brokers'] as const

/** Milliseconds for which the rest is waited for: of a small store all is known then. */
const restMs = 100
/** Milliseconds for which the event loop is held at a time. */
const sliceMs = 8
/** Milliseconds for which who is to be granted something waits until that is known, where a commit no longer does. */
const patienceMs = 5_000
/** After a look that failed there is another, this many milliseconds later at the earliest: each may hold up a commit. */
const failedPauseMs = 1_000

/** It is not known yet whether anything may be granted: it will be soon. */
class BeingLookedThrough extends BrokerError {
  readonly by: Guard

  constructor(by: Guard) {
    super('unavailable', 'the store is being looked through', { retryAfter: 1 })
    this.by = by
  }
}

export class Guard {
  readonly #snapshot: () => Promise<Snapshot>
  readonly #expected: Omit<Expected, 'sums'>
  readonly #keeper: HeadKeeper
  readonly #changed: (intrusion: Intrusion) => void
  readonly #besides: () => void
  /** What each place held when it was last looked at. */
  #found = new Map<string, Found>()
  #told: string
  #latest = new AbortController()
  #unsure = false
  /** The newest task of the store as it is being looked through: of none up to it is it known yet whether it is open. */
  #unknownUpTo: number | undefined
  /** When the newest look failed, on the machine's clock. */
  #failedAt: number | undefined
  #running: Promise<unknown> = Promise.resolve()
  /** Resolved once the newest look has found whether anything may be granted, is over without, or is the newest no more. */
  #decided = waited()
  /** The same of which tasks are open. */
  #known = waited()

  /** `changed` hears whenever there is something else to tell; `besides` may have reasons of its own to throw. */
  constructor(given: {
    /** What is committed at the moment. */
    snapshot: () => Promise<Snapshot>
    seal: Seal
    macs: RowMacs
    keeper: HeadKeeper
    changed: (intrusion: Intrusion) => void
    besides: () => void
  }) {
    this.#snapshot = given.snapshot
    this.#expected = { seal: given.seal, macs: given.macs }
    this.#keeper = given.keeper
    this.#changed = given.changed
    this.#besides = given.besides
    this.#told = JSON.stringify({ doubts: [], damaged: [] } satisfies Intrusion)
  }

  get intrusion(): Intrusion {
    const found = [...this.#found.values()]
    return {
      doubts: [...this.#keeper.state.doubts, ...found.flatMap(({ doubt }) => doubt?.message ?? [])],
      // Of what is over under a key that was retired since nobody can tell, and nothing hangs on it.
      damaged: found.flatMap(({ damaged }) => damaged).filter(({ key }) => key === undefined),
    }
  }

  /** Whether the newest look failed, though nobody may have written since, and another may go well. */
  get mustLookAgain(): boolean {
    return this.#failedAt !== undefined && performance.now() - this.#failedAt >= failedPauseMs
  }

  /** @throws BrokerError `unavailable` while nothing may be granted. */
  readonly mayGrant = (): void => {
    this.#besides()
    if (this.#unsure) throw new BeingLookedThrough(this)
    const { doubts } = this.intrusion
    if (doubts.length > 0)
      throw new BrokerError(
        'unavailable',
        'the store is not as it was left, and nothing is granted from it',
        {
          cause: new Error(doubts.join('; ')),
          retryAfter: 60,
        },
      )
  }

  /** @throws BrokerError `unavailable` while nothing may be granted to the task in this place. */
  readonly mayGrantTo = (ordinal: number): void => {
    if (this.#unknownUpTo !== undefined && ordinal <= this.#unknownUpTo) throw new BeingLookedThrough(this)
  }

  /** @throws BrokerError `unavailable` while there is a task in the store to which nothing may be granted. */
  readonly mayGrantToAll = (): void => {
    this.mayGrant()
    if (!this.knowsTasks) throw new BeingLookedThrough(this)
  }

  /** Whether that has to be asked of a task at all. */
  get knowsTasks(): boolean {
    return this.#unknownUpTo === undefined
  }

  /**
   * Does what grants something again, where it is not known yet whether anything may be granted, as soon as it
   * is: whoever asks is answered late rather than sent away.
   *
   * @throws BrokerError `unavailable` where that takes longer than they can be expected to wait.
   */
  readonly patiently = async <T>(grant: () => Promise<T>): Promise<T> => {
    for (let until: number | undefined; ;) {
      try {
        return await grant()
      } catch (error) {
        if (!(error instanceof BeingLookedThrough) || error.by !== this) throw error
        until ??= performance.now() + patienceMs
        const left = until - performance.now()
        if (left <= 0 || this.#latest.signal.aborted) throw error
        const next = this.#unsure ? this.#decided : this.#known
        await Promise.race([next.promise, after(left)])
      }
    }
  }

  /**
   * Looks through the store as it stands, in the transaction of its writer. Returns when it is
   * known whether anything may be granted, or after `withinMs`: nothing is granted before, and
   * the rest is looked at while granting goes on.
   */
  async inspect(withinMs: number): Promise<void> {
    this.#latest.abort()
    this.#decided.resolve()
    this.#known.resolve()
    this.#latest = new AbortController()
    this.#unsure = true
    this.#unknownUpTo = undefined
    this.#failedAt = undefined
    const before = this.#running
    const [pinned, decided, known] = [waited(), waited(), waited()]
    this.#decided = decided
    this.#known = known
    const steps = { pinned: pinned.resolve, decided: decided.resolve, known: known.resolve }
    this.#running = this.#inspect(this.#latest.signal, steps).then(() => before)
    // Whatever the writer does from then on is not in the snapshot.
    await pinned.promise
    await Promise.race([decided.promise, after(withinMs)])
    await Promise.race([this.#running, after(restMs)])
  }

  /** Resolves once nothing is being looked through any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Stops looking. */
  async close(): Promise<void> {
    this.#latest.abort()
    await this.#running
  }

  async #inspect(
    signal: AbortSignal,
    done: Record<'pinned' | 'decided' | 'known', () => void>,
  ): Promise<void> {
    try {
      await using snapshot = await this.#snapshot()
      const { statements } = snapshot
      const { sums, schema } = this.#keeper.state
      const expected = { ...this.#expected, sums }
      const headFaults = this.#keeper.faults(statements)
      done.pinned()
      this.#find('head', await headFaults)
      this.#find('schema', await statements.dialect.schemaFaults(statements, schema))
      // What an older look still finds is of no account, nor may it end the doubts of a newer one.
      const look = async (table: SealedTable) => {
        const found = await inSlices(inspect(statements, table, expected), signal)
        signal.throwIfAborted()
        return found
      }
      for (const table of first) this.#found.set(table, await look(table))
      const [newest] = await statements.all('select max(ordinal) as last from tasks')
      signal.throwIfAborted()
      this.#unknownUpTo = Number(newest?.['last'] ?? 0)
      this.#unsure = false
      done.decided()
      const open = await inSlices(inspectOpen(statements, 'tasks', expected), signal)
      signal.throwIfAborted()
      // One that is no longer open by what its row says is missing among them: that alone makes the others no worse.
      this.#found.set('tasks', open.doubt === undefined ? open : await look('tasks'))
      this.#unknownUpTo = undefined
      done.known()
      for (const table of then) {
        this.tell()
        this.#found.set(table, await look(table))
      }
      this.#find('reading', [])
    } catch {
      if (signal.aborted) return
      this.#failedAt = performance.now()
      this.#find('reading', ['the store cannot be looked through'])
      this.#unsure = false
    } finally {
      done.pinned()
      done.decided()
      done.known()
    }
    this.tell()
  }

  #find(where: string, doubts: readonly string[]): void {
    this.#found.set(where, {
      damaged: [],
      ...(doubts.length > 0 && { doubt: { message: doubts.join('; ') } }),
    })
  }

  /** Has it heard what is news, if anything is. */
  tell(): void {
    const now = JSON.stringify(this.intrusion)
    if (now === this.#told) return
    this.#told = now
    this.#changed(this.intrusion)
  }
}

const waited = () => Promise.withResolvers<void>()

const after = (ms: number) => setTimeout(ms, undefined, { ref: false })

/** Runs `steps` without holding the event loop for long. @throws AbortError */
async function inSlices<Result>(steps: AsyncGenerator<void, Result>, signal: AbortSignal): Promise<Result> {
  for (let until = performance.now() + sliceMs; ;) {
    const step = await steps.next()
    if (step.done) return step.value
    if (performance.now() < until) continue
    await setImmediate(undefined, { signal })
    until = performance.now() + sliceMs
  }
}
