/** The configuration that is in force, and putting another in its place. */
import type { Actor } from '../audit/event.ts'
import { createSeal, type SealKey } from '../seal.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import { reviewTasks } from '../tasks/review.ts'
import type { Admins } from './admins.ts'
import { stranded } from './stranded.ts'

/** Immutable: a request takes one when it begins and keeps it to the end. */
export interface InForce {
  /** The public origin, `https://mayfly.acme.dev`. */
  url: string
  rules: Rules
  admins: Admins
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
  #current: InForce

  constructor(inForce: InForce) {
    this.#current = inForce
  }

  get current(): InForce {
    return this.#current
  }

  /**
   * Puts the candidate in force, decides every open task afresh under it, and
   * revokes what it no longer allows. Returns why it was refused, one sentence a
   * cause; empty when it is in force.
   */
  async adopt(context: TaskContext, { inForce, sealKeys }: Candidate, actor: Actor): Promise<string[]> {
    const { unit, leases, audit, clock, seal } = context
    const seen = { leases, connections: inForce.rules.connections, seal: createSeal(sealKeys) }
    const lacking = await unit.read((tx) => stranded(tx, seen))
    if (lacking.length > 0) {
      await this.refused(context, lacking, actor)
      return lacking
    }
    seal.rekey(sealKeys)
    this.#current = inForce
    await unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'configuration.reloaded', actor }),
    )
    await reviewTasks(context, inForce.rules)
    return []
  }

  /** Puts on record that a configuration was refused; the one in force stays. */
  async refused({ unit, audit, clock }: TaskContext, causes: string[], actor: Actor): Promise<void> {
    await unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'configuration.refused', actor, data: { causes } }),
    )
  }
}
