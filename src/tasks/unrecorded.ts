/**
 * Ends that were ordered while the store takes no writes. Failing closed governs granting
 * (invariant I6): what an order takes away is revoked all the same, and the order is
 * carried out as soon as the store takes writes again (docs/decisions/0035). It lives in
 * memory until then: whoever ordered it is told that it is not done.
 */
import { BrokerError, isBrokerError } from '../base/errors.ts'
import type { About, Tx, Unit } from '../base/unit.ts'
import type { LeaseContext } from '../leases/context.ts'
import { asOwn, type StoredLease } from '../leases/lease.ts'
import type { Revoker } from '../leases/revoke.ts'
import { revokeNow } from '../leases/revoke-now.ts'

export interface Order<T> {
  /** What is ordered, and by whom: repeated, it waits once. */
  name: string
  /** What `work` will look up. */
  about?: About
  /** Carries it out. */
  work: (tx: Tx) => Promise<T>
  /** What it takes away; throws what `work` would. */
  leases: (tx: Tx) => Promise<StoredLease[]>
}

interface Waiting {
  work: Order<unknown>['work']
  /** Whether it is in the queue of the store's writer. */
  isQueued: boolean
  /** Whether it is carried out in the commit under way, or since: what comes behind it finds it done. */
  isDone: boolean
}

export class Unrecorded {
  readonly #context: LeaseContext & { revoker: Revoker }
  readonly #waiting = new Map<string, Waiting>()
  /** The store's, in which what waits is carried out first. */
  readonly unit: Unit

  constructor(context: LeaseContext & { revoker: Revoker }) {
    this.#context = context
    const { unit } = context
    this.unit = {
      read: (work) => unit.read(work),
      find: (work) => unit.find(work),
      write: (work, ...about) => {
        void this.record()
        return unit.write(work, ...about)
      },
    }
  }

  /**
   * Carries the order out in a transaction.
   *
   * @throws BrokerError `unavailable` when the store takes no writes: then it waits, and what it
   *   takes away has been revoked; and whatever the order throws.
   */
  async carryOut<T>(order: Order<T>): Promise<T> {
    try {
      return await this.unit.write(order.work, order.about ?? {})
    } catch (error) {
      if (!isBrokerError(error, 'unavailable')) throw error
      await this.#revokeMeanwhile(order)
      throw new BrokerError(
        'unavailable',
        'the store takes no writes: what this takes away is revoked all the same, and nothing is granted before it is on record',
        { cause: error, retryAfter: 1 },
      )
    }
  }

  /** Carries out what waits. False where something still does. */
  async record(): Promise<boolean> {
    await Promise.all([...this.#waiting].map(([name, waiting]) => this.#record(name, waiting)))
    return this.#waiting.size === 0
  }

  /** @throws BrokerError `unavailable` while something waits: who is to be kept out must not be back before. */
  requireNone(): void {
    if ([...this.#waiting.values()].some(({ isDone }) => !isDone))
      throw new BrokerError('unavailable', 'what was ordered to end is not on record yet', { retryAfter: 1 })
  }

  async #record(name: string, waiting: Waiting): Promise<void> {
    if (waiting.isQueued) return
    waiting.isQueued = true
    const { unit, clock, log, wake } = this.#context
    try {
      await unit.write(async (tx) => {
        await waiting.work(tx)
        waiting.isDone = true
      })
      wake(clock.now())
    } catch (error) {
      waiting.isQueued = waiting.isDone = false
      if (isBrokerError(error, 'unavailable')) return
      log.error({ err: error, order: name }, 'what was ordered while the store took no writes failed')
    }
    this.#waiting.delete(name)
  }

  async #revokeMeanwhile({ name, work, leases }: Order<unknown>): Promise<void> {
    const { unit, clock, log, wake } = this.#context
    let leaving: StoredLease[] = []
    try {
      leaving = await unit.read(leases)
    } catch (error) {
      // Where it cannot even be read, the order waits; an order that is refused does not.
      if (!isBrokerError(error, 'unavailable')) throw error
    }
    if (!this.#waiting.has(name)) this.#waiting.set(name, { work, isQueued: false, isDone: false })
    wake(clock.now())
    log.error({ order: name, leases: leaving.length }, 'what was ordered to end cannot be recorded yet')
    // A mint under way finds on recording that its lease is to go, and takes back what it has.
    const handled = leaving.filter((lease) => lease.handle !== null)
    // None is left to another broker: the store takes no records of that one either, so nobody could see it end them.
    await revokeNow(this.#context, handled.map(asOwn))
  }
}
