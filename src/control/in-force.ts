/** The configuration that is in force, and putting another in its place. */
import type { Actor } from '../audit/event.ts'
import { createSeal, type SealKey } from '../base/seal.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import type { Retention } from '../tasks/retention.ts'
import { reviewTasks } from '../tasks/review.ts'
import type { Admins } from './admins.ts'
import { stranded, unverifiable } from './stranded.ts'

/** Immutable: a request takes one when it begins and keeps it to the end. */
export interface InForce {
  /** The public origin, `https://mayfly.acme.dev`. */
  url: string
  /** Tells this configuration from another. */
  digest: string
  /** PEM: what clients are told to trust it by, where that is a CA of one's own. */
  clientCa: readonly string[] | undefined
  rules: Rules
  admins: Admins
  retention: Retention
  /** Bytes. */
  bodyBytes: number
  requestLimits: {
    requestsPerMinute: { agent: number; address: number }
    failuresPerMinute: { address: number }
    /** Addresses and blocks that may say for whom they forward. */
    trustedProxies: readonly string[]
  }
}

/** A configuration that compiled: what of it can change while the broker runs. */
export interface Candidate {
  inForce: InForce
  /** The first seals, all unseal. */
  sealKeys: readonly SealKey[]
}

/** Holds the configuration in force. */
export class Control {
  #adopted: Candidate
  /** How many requests still keep to a configuration that they began under. */
  readonly #underWay = new Map<InForce, number>()

  constructor(first: Candidate) {
    this.#adopted = first
  }

  get current(): InForce {
    return this.#adopted.inForce
  }

  /**
   * Runs a request under one configuration from beginning to end. What it was
   * granted under one that has been replaced meanwhile is decided afresh once it
   * is over (invariant I12).
   */
  async serve(context: TaskContext, work: (inForce: InForce) => Promise<void>): Promise<void> {
    const inForce = this.current
    this.#underWay.set(inForce, (this.#underWay.get(inForce) ?? 0) + 1)
    try {
      await work(inForce)
    } finally {
      const left = this.#underWay.get(inForce)! - 1
      if (left > 0) this.#underWay.set(inForce, left)
      else {
        this.#underWay.delete(inForce)
        if (inForce !== this.current) void this.review(context)
      }
    }
  }

  /** Decides every open task afresh under what is in force, nobody waiting for it. */
  async review(context: TaskContext): Promise<void> {
    try {
      await this.reviewed(context)
    } catch (error) {
      context.log.error({ err: error }, 'open tasks could not be held against the configuration in force')
    }
  }

  /** The same, for who waits for what is no longer allowed to be revoked. */
  async reviewed(context: TaskContext): Promise<void> {
    await reviewTasks(context, () => this.current.rules)
  }

  /** Puts the candidate in force. Returns why it was refused, one sentence a cause; empty when it is in force. */
  async adopt(context: TaskContext, candidate: Candidate, actor: Actor): Promise<string[]> {
    const { unit, leases, federationKeys, audit, clock, seal } = context
    const before = this.#adopted
    const put = (chosen: Candidate) => {
      seal.rekey(chosen.sealKeys)
      this.#adopted = chosen
    }
    const given = {
      leases,
      audit,
      federationKeys,
      connections: candidate.inForce.rules.connections,
      seal: createSeal(candidate.sealKeys),
    }
    try {
      const lacking = await unit.write(async (tx) => {
        const causes = [
          ...replacedKeys(before.sealKeys, candidate.sealKeys),
          ...(await stranded(tx, given)),
          ...(await unverifiable(tx, given)),
        ]
        const at = clock.now()
        if (causes.length > 0) {
          audit.record(tx, { at, type: 'configuration.refused', actor, data: { causes } })
          // The work may have been run before, and not have found them.
          put(before)
        } else {
          audit.record(tx, { at, type: 'configuration.reloaded', actor })
          // Within the transaction: the next one's lease must not need what nobody saw that it needs.
          put(candidate)
        }
        return causes
      })
      if (lacking.length > 0) return lacking
    } catch (error) {
      put(before)
      throw error
    }
    return []
  }

  /** Puts on record that a configuration was refused; the one in force stays. */
  async recordRefusal({ unit, audit, clock }: TaskContext, causes: string[], actor: Actor): Promise<void> {
    await unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'configuration.refused', actor, data: { causes } }),
    )
  }
}

/** Other bytes under an id that is in use: what was written under it could no longer be told from what somebody else has written. */
function replacedKeys(before: readonly SealKey[], after: readonly SealKey[]): string[] {
  const kept = new Map(before.map(({ id, secret }) => [id, secret]))
  return after
    .filter(({ id, secret }) => kept.get(id)?.equals(secret) === false)
    .map(
      ({ id }) =>
        `the seal key ${id} is another than the one in use under that id: a new key needs an id of its own`,
    )
}
