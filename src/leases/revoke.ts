/** The second half of every revocation: the upstream call and its record, connection by connection. */
import { type Handle, ProviderError, type RevocationOutcome } from '../provider.ts'
import type { Tx } from '../unit.ts'
import { longestPauseMs } from './backoff.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { openHandle } from './handle.ts'
import { Lane } from './lane.ts'
import type { Lease } from './lease.ts'
import { probe } from './probe.ts'
import { recordAttempt, recordExpired, recordRevoked } from './record.ts'
import { recover } from './recover.ts'
import { standing } from './standing.ts'
import { asProviderError, withinUpstream } from './upstream.ts'

const revokeSlots = 32
/** Probes have their own queue: on the same slots they would make revoking take twice as long. */
const probeSlots = 8
/** How long a damaged row is left alone before it is complained about again. */
const damagedRetryMs = 10 * 60_000
/** How long the store is left alone after it failed. */
const storeRetryMs = 1_000
/**
 * How long an upstream must have answered nothing for its first answer to bring
 * others forward: longer than any pause. Shorter, and a lease that is refused again
 * and again would hasten those that fail, for an upstream that was never silent.
 */
const silenceMs = 2 * longestPauseMs

/** Leases brought forward in one transaction: everybody else's work waits for it. */
const hastenedAtOnce = 200

/** A lease in its lane; `revoked` once upstream has confirmed and the store has it. */
interface Turn {
  lease: Lease
  handle: Handle
  /** Its upstream life has passed: this is the last word to upstream, whatever comes of it. */
  over: boolean
  revoked: boolean
}

interface Lanes {
  entry: ConnectionEntry
  revoke: Lane<Turn>
  probe: Lane<Turn>
  /** Since when upstream has answered nothing, milliseconds since 1970. */
  silentSince: number | undefined
}

/**
 * Ends leases that are on their way out. A due lease may be handed in as often
 * as one likes: it is worked on once at a time.
 */
export class Revoker {
  readonly #context: LeaseContext
  readonly #lanes = new Map<string, Lanes>()
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(context: LeaseContext) {
    this.#context = context
  }

  /** Whether the lease is being worked on or waits for its turn. */
  isUnderWay(id: string): boolean {
    return this.#underWay.has(id)
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.values())
  }

  /**
   * Makes one attempt to end the lease, records how it went, and probes.
   * Resolves after that whatever the outcome: the record tells it.
   */
  revoke(lease: Lease): Promise<void> {
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

  async #end(lease: Lease): Promise<void> {
    const { unit, leases, clock, connections } = this.#context
    if (lease.damaged !== undefined) {
      await this.#quarantine(lease)
      // What opens was sealed for this row, whatever else is wrong with it: what can be revoked still is (I4).
      if (lease.handle === null) return
    }
    if (lease.status === 'revoked') return await unit.write((tx) => leases.forget(tx, lease.id))
    const entry = connections().of(lease)
    const lifeOver = lease.upstreamExpiresAt ?? lease.liveUntil
    if (lifeOver !== null && lifeOver <= clock.now()) return await this.#endOfLife(lease, entry)
    if (!entry)
      return await this.#failed(
        lease,
        new ProviderError('unavailable', 'the connection that minted it is not configured'),
      )
    if (lease.handle === null) return await recover(this.#context, lease, entry)
    if (lease.revocation === 'expiry') return await this.#postpone(lease, lease.upstreamExpiresAt!)
    const handle = this.#open(lease)
    if (!handle)
      return await this.#failed(lease, new ProviderError('rejected', 'its sealed handle does not open'))
    const lanes = this.#lanesOf(entry)
    const turn: Turn = { lease, handle, over: false, revoked: false }
    await lanes.revoke.add(lease.agent, turn)
    if (turn.revoked) await lanes.probe.add(lease.agent, turn)
  }

  /**
   * Its own end has passed by our clock, and that may have been set forward: upstream,
   * where one call ends the credential, is told once all the same (invariant I4).
   */
  async #endOfLife(lease: Lease, entry: ConnectionEntry | undefined): Promise<void> {
    const endable = entry && lease.handle !== null && lease.revocation === 'immediate'
    const handle = endable ? this.#open(lease) : undefined
    if (!entry || !handle) return await this.#expired(lease)
    await this.#lanesOf(entry).revoke.add(lease.agent, { lease, handle, over: true, revoked: false })
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
    const key = `${entry.provider.type}/${entry.name}`
    const known = this.#lanes.get(key)
    if (known?.entry === entry) return known
    const lanes: Lanes = {
      entry,
      silentSince: undefined,
      revoke: new Lane({
        slots: revokeSlots,
        batch: entry.connection.revokesAtOnce,
        work: (turns) => this.#attempt(lanes, turns),
      }),
      probe: new Lane({
        slots: probeSlots,
        batch: 1,
        work: ([turn]) => probe(this.#context, entry, turn!.lease, turn!.handle),
      }),
    }
    this.#lanes.set(key, lanes)
    return lanes
  }

  /** One upstream call for leases of one connection. */
  async #attempt(lanes: Lanes, turns: Turn[]): Promise<void> {
    const outcomes = await this.#callUpstream(lanes.entry, turns)
    const recovered = this.#breaksSilence(lanes, outcomes)
    await Promise.all(turns.map((turn, index) => this.#recordOutcome(turn, outcomes[index]!)))
    if (recovered) await this.#hasten(lanes.entry)
  }

  /** Whether upstream answers after a silence. A failure here and there is none: hastening then would undo the back-off. */
  #breaksSilence(lanes: Lanes, outcomes: RevocationOutcome[]): boolean {
    const now = this.#context.clock.now()
    const { silentSince } = lanes
    const answered = outcomes.some((outcome) => outcome.done || outcome.error.kind === 'rejected')
    lanes.silentSince = answered ? undefined : (silentSince ?? now)
    return answered && silentSince !== undefined && now - silentSince >= silenceMs
  }

  async #callUpstream(entry: ConnectionEntry, turns: Turn[]): Promise<RevocationOutcome[]> {
    const handles = turns.map((turn) => turn.handle)
    try {
      return await withinUpstream(this.#context, 'revoke', (signal) =>
        entry.connection.revoke(handles, { standing: () => standing(this.#context, entry), signal }),
      )
    } catch (error) {
      const failure = asProviderError(error)
      return handles.map(() => ({ done: false, error: failure }))
    }
  }

  async #recordOutcome(turn: Turn, outcome: RevocationOutcome): Promise<void> {
    const { lease } = turn
    if (turn.over) {
      await this.#expired(lease).catch((error: unknown) => this.#notRecorded(lease, error))
      return
    }
    if (!outcome.done) {
      await this.#failed(lease, outcome.error).catch((error: unknown) => this.#notRecorded(lease, error))
      return
    }
    try {
      await this.#context.unit.write((tx) => recordRevoked(this.#context, tx, lease))
      turn.revoked = true
      // What upstream goes on needing is erased then.
      if (lease.revocation === 'eventual') this.#context.wake(lease.upstreamExpiresAt ?? Infinity)
    } catch (error) {
      this.#notRecorded(lease, error)
    }
  }

  async #expired(lease: Lease): Promise<void> {
    await this.#context.unit.write((tx) => recordExpired(this.#context, tx, lease))
  }

  async #failed(lease: Lease, error: ProviderError): Promise<void> {
    const { unit, log, wake } = this.#context
    log.warn({ lease: lease.id, connection: lease.connection, reason: error.message }, 'a revocation failed')
    wake(await unit.write((tx) => recordAttempt(this.#context, tx, lease, error)))
  }

  /** The store failed. Nothing is lost: the lease is still due, and revoking again does no harm (I5, I6). */
  #notRecorded(lease: Lease, error: unknown): void {
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

  async #postpone(lease: Lease, dueAt: number): Promise<void> {
    const { unit, leases, wake } = this.#context
    await unit.write((tx) => leases.postpone(tx, lease.id, dueAt))
    wake(dueAt)
  }

  async #quarantine(lease: Lease): Promise<void> {
    const { clock, log } = this.#context
    log.error(
      { lease: lease.id, damage: lease.damaged },
      'a lease row is damaged; `mayfly audit verify` tells more',
    )
    await this.#postpone(lease, clock.now() + damagedRetryMs)
  }
}
