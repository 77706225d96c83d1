/** The second half of every revocation: upstream is told, the credential is tried, and what was seen goes on record. */
import { ProviderError } from '../provider/failure.ts'
import type { Evidence, Handle } from '../provider/upstream.ts'
import { Together } from '../base/together.ts'
import type { Tx } from '../base/unit.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { settles, showsEnd } from './evidence.ts'
import { GiveWay } from './give-way.ts'
import { openHandle } from './handle.ts'
import { Lanes } from './lanes.ts'
import { type DamagedLease, endOf, type Lease, type StoredLease } from './lease.ts'
import {
  dueOnceRevoked,
  hasLivedTwice,
  recordAttempt,
  recordExpired,
  recordLook,
  recordRevoked,
} from './record.ts'
import { recover } from './recover.ts'
import { retiredFor } from './retire.ts'
import { suspect } from './suspect.ts'
import { type Step, transition } from './transition.ts'

/** How long a damaged row is left alone before it is complained about again. */
const damagedRetryMs = 10 * 60_000
/** How long the store is left alone after it failed. */
const storeRetryMs = 1_000
/** Leases brought forward in one transaction: everybody else's work waits for it. */
const hastenedAtOnce = 200

/**
 * Ends leases that are on their way out. A due lease may be handed in as often
 * as one likes: it is worked on once at a time.
 */
export class Revoker {
  readonly #context: LeaseContext
  readonly #lanes = new Map<string, Lanes>()
  readonly #underWay = new Map<string, Promise<void>>()
  #answered = 0
  /** What became of leases, many to a unit of work: no call waits for a record of another's. */
  readonly records: Together
  /** Whom revoking leaves the larger part of this process. */
  readonly giveWay: GiveWay

  constructor(context: LeaseContext) {
    this.#context = context
    this.giveWay = new GiveWay(context.clock)
    this.records = new Together(context)
  }

  /** Whether the lease is being worked on or waits for its turn. */
  isUnderWay(id: string): boolean {
    return this.#underWay.has(id)
  }

  /** How many leases are being worked on or wait for their turn. */
  get underWay(): number {
    return this.#underWay.size
  }

  /** How many calls to end or to try a credential have been answered so far. */
  get answered(): number {
    return this.#answered
  }

  /** Makes the call of a mint: what is to be revoked there leaves it room. */
  minting<Result>(entry: ConnectionEntry, call: () => Promise<Result>): Promise<Result> {
    // One that began before a reload must not bring the lanes of then back.
    const lanes = this.#lanes.get(keyOf(entry)) ?? this.#lanesOf(entry)
    return lanes.mint(call)
  }

  /** What waits for each connection that there was anything to revoke at, for whoever measures. */
  queues(): (Lanes['queue'] & { provider: string; connection: string })[] {
    return [...this.#lanes.values()].map(({ entry, queue }) => ({
      provider: entry.provider.type,
      connection: entry.name,
      ...queue,
    }))
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values())
  }

  /**
   * Makes one attempt to end the lease: tells upstream, tries the credential, and
   * records what was seen. Resolves after that whatever the outcome: the record tells it.
   */
  revoke(lease: StoredLease): Promise<void> {
    return (
      this.#underWay.get(lease.id) ??
      this.claim(lease.id, () => this.#end(lease).catch((error: unknown) => this.#notRecorded(lease, error)))
    )
  }

  /** Does `work`, which must not reject, as the one work under way on the lease: after what is under way already. */
  claim(id: string, work: () => Promise<void>): Promise<void> {
    const before = this.#underWay.get(id)
    const claimed = (before ? before.then(work) : work()).finally(() => {
      if (this.#underWay.get(id) === claimed) this.#underWay.delete(id)
    })
    this.#underWay.set(id, claimed)
    return claimed
  }

  async #end(found: StoredLease): Promise<void> {
    const { clock, connections } = this.#context
    const lease = 'damaged' in found ? await this.#suspect(found) : found
    // Of a damaged one without a handle nobody knows whether there is anything to look for.
    if ('damaged' in found && lease.handle === null) return
    const entry = connections().of(lease)
    if (lease.status === 'revoked') return await this.#keepRevoked(lease, entry)
    const lifeOver = endOf(lease)
    if (lifeOver !== null && lifeOver <= clock.now()) return await this.#endOfLife(lease, entry)
    if (!entry)
      return await this.#failed(
        lease,
        new ProviderError('unavailable', 'the connection that minted it is not configured'),
      )
    if (lease.handle === null) return await recover(this.#context, lease, entry)
    if (lease.revocation === 'expiry') return await this.#postpone(lease, lifeOver!)
    const handle = this.#open(lease)
    if (!handle)
      return await this.#failed(lease, new ProviderError('rejected', 'its sealed handle does not open'))
    const outcome = await this.#lanesOf(entry).end(lease, handle)
    this.#answered += 1
    if (!outcome.done) return await this.#failed(lease, outcome.error)
    const evidence = await this.#look(lease, entry, handle)
    if (settles(lease, evidence)) await this.#revoked(lease, evidence)
    else await this.#failed(lease, notSeen(evidence), { evidence })
  }

  #record<T>({ id }: Lease, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.records.write(work, { lease: id })
  }

  async #revoked(lease: Lease, evidence: Evidence): Promise<void> {
    const { wake } = this.#context
    await this.#record(lease, (tx) =>
      recordRevoked(this.#context, tx, lease, evidence, this.#retiring(lease)),
    )
    // What upstream goes on needing is erased then, and what is not known yet asked again before.
    if (lease.revocation === 'eventual') wake(dueOnceRevoked(this.#context, lease, evidence) ?? Infinity)
  }

  /** What was due was ended at once: that it is on its way out is put on record where the end of its task has not done so. */
  #retiring(lease: Lease): Step | undefined {
    if (lease.status !== 'active') return undefined
    const at = this.#context.clock.now()
    if (at < lease.deadline) return undefined
    return { status: 'revoking', at, data: retiredFor('deadline', lease, at) }
  }

  /**
   * Revoked, and upstream to be reminded of it until its own end. Where it could not be
   * seen yet what became of it, it is looked at again until then.
   */
  async #keepRevoked(lease: Lease, entry: ConnectionEntry | undefined): Promise<void> {
    const { leases, clock, wake } = this.#context
    const end = endOf(lease)
    if (end === null || end <= clock.now())
      return await this.#record(lease, (tx) => leases.forget(tx, lease.id))
    const handle = entry && this.#open(lease)
    const evidence = handle && (await this.#look(lease, entry, handle))
    wake(await this.#record(lease, (tx) => recordLook(this.#context, tx, lease, evidence)))
  }

  /**
   * Its own end has passed by our clock, which may have been set forward, or upstream
   * keeps another end than it named: where one call ends the credential, upstream is told
   * all the same, and what still works then is not called over (invariant I4). Nor, for a
   * while, what nobody could be told of: a clock that is ahead may be why (docs/decisions/0002).
   */
  async #endOfLife(lease: Lease, entry: ConnectionEntry | undefined): Promise<void> {
    const { clock } = this.#context
    const endable = lease.handle !== null && lease.revocation === 'immediate'
    const handle = endable ? this.#open(lease) : undefined
    let evidence: Evidence | undefined
    const failed = (error: ProviderError) => this.#failed(lease, error, { evidence, beyondEnd: true })
    if (entry && handle) {
      const outcome = await this.#lanesOf(entry).end(lease, handle)
      evidence = await this.#look(lease, entry, handle)
      if (evidence.result === 'live') return await failed(notSeen(evidence))
      if (!outcome.done && !showsEnd(lease, evidence) && !hasLivedTwice(lease, clock.now()))
        return await failed(outcome.error)
    }
    await this.#record(lease, (tx) => recordExpired(this.#context, tx, lease, evidence))
  }

  async #look(lease: Lease, entry: ConnectionEntry, handle: Handle): Promise<Evidence> {
    const evidence = await this.#lanesOf(entry).look(lease, handle)
    this.#answered += 1
    if (evidence.result === 'live')
      this.#context.log.error({ lease: lease.id, evidence }, 'a revoked credential still works')
    return evidence
  }

  #open(lease: Lease): Handle | undefined {
    try {
      return openHandle(this.#context.seal, lease)
    } catch (error) {
      this.#context.log.error({ err: error, lease: lease.id }, 'a sealed handle does not open')
      return undefined
    }
  }

  /** A connection replaced by a reload gets lanes of its own; the old ones finish what they hold. */
  #lanesOf(entry: ConnectionEntry): Lanes {
    const key = keyOf(entry)
    const known = this.#lanes.get(key)
    if (known?.entry === entry) return known
    const lanes = new Lanes(this.#context, entry, {
      answersAgain: () => this.#hasten(entry),
      givesWay: () => this.giveWay.now,
    })
    this.#lanes.set(key, lanes)
    return lanes
  }

  async #failed(
    lease: Lease,
    error: ProviderError,
    seen: { evidence?: Evidence | undefined; beyondEnd?: boolean } = {},
  ): Promise<void> {
    const { log, wake } = this.#context
    log.warn({ lease: lease.id, connection: lease.connection, reason: error.message }, 'a revocation failed')
    const attempt = async (tx: Tx) => {
      const retiring = this.#retiring(lease)
      if (retiring)
        await transition(this.#context, tx, lease, { ...retiring, change: { dueAt: retiring.at } })
      return await recordAttempt(this.#context, tx, lease, error, seen)
    }
    wake(await this.#record(lease, attempt))
  }

  /** The store failed. Nothing is lost: the lease is still due, and revoking again does no harm (I5, I6). */
  #notRecorded(lease: StoredLease, error: unknown): void {
    const { clock, log, wake } = this.#context
    log.error({ err: error, lease: lease.id }, 'a revocation could not be recorded yet')
    wake(clock.now() + storeRetryMs)
  }

  /** Upstream answers again: nobody else need wait for the end of a pause that its silence caused. */
  async #hasten(entry: ConnectionEntry): Promise<void> {
    const { unit, leases, clock, log, wake } = this.#context
    const now = clock.now()
    try {
      const { provider, name } = entry
      const some = (tx: Tx) => leases.hasten(tx, provider.type, name, now, hastenedAtOnce)
      while ((await unit.write(some)) === hastenedAtOnce) wake(now)
      wake(now)
    } catch (error) {
      log.warn({ err: error }, 'waiting revocations could not be brought forward')
    }
  }

  /** Nothing is to be done before. Whoever records the end of its task while this is under way would have it due at once, and nobody would look. */
  async #postpone(lease: Lease, dueAt: number): Promise<void> {
    const { leases, wake } = this.#context
    await this.#record(lease, async (tx) => {
      const retiring = this.#retiring(lease)
      const retired =
        retiring && (await transition(this.#context, tx, lease, { ...retiring, change: { dueAt } }))
      if (!retired) await leases.postpone(tx, lease.id, dueAt)
    })
    wake(dueAt)
  }

  /** What opens was sealed for this row, whatever else is wrong with it: what can be revoked still is (I4). */
  async #suspect(lease: DamagedLease): Promise<Lease> {
    const { unit, clock, log } = this.#context
    log.error(
      { lease: lease.id, damage: lease.damaged },
      'a lease row is damaged; `mayfly audit verify` tells more',
    )
    const suspected = await unit.write((tx) => suspect(this.#context, tx, lease))
    await this.#postpone(suspected, clock.now() + damagedRetryMs)
    return suspected
  }
}

const keyOf = ({ provider, name }: ConnectionEntry) => `${provider.type}/${name}`

/** Upstream took the revocation, and that is not to be seen of the credential. */
function notSeen({ result }: Evidence): ProviderError {
  return new ProviderError(
    'unavailable',
    result === 'live'
      ? 'upstream took the revocation, and the credential still works'
      : 'upstream took the revocation, and it cannot be seen whether the credential is dead',
  )
}
