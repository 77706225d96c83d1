/** Unauthenticated failures are counted: one audit row each would let anybody fill the disk. */
import type { AuditTrail } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Unit } from '../base/unit.ts'

/** A stranger's token may well be genuine: at a public issuer anybody can have one. */
const counted: readonly ErrorCode[] = ['invalid_token', 'token_replayed', 'unknown_agent', 'forbidden']

/** Requests that an event names at most: of a flood the log has the rest. */
const mostNamed = 50

export class FailureCounter {
  #counts = new Map<ErrorCode, number>()
  #requests: string[] = []

  /** Whether this is a failure to show that one may be here: such are counted, and limited by address. */
  count(code: ErrorCode, request: string): boolean {
    if (!counted.includes(code)) return false
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    if (this.#requests.length < mostNamed) this.#requests.push(request)
    return true
  }

  /** Puts what has been counted since the last time on record, as one event. */
  async summarise({ unit, audit, clock }: { unit: Unit; audit: AuditTrail; clock: Clock }): Promise<void> {
    if (this.#counts.size === 0) return
    const [taken, requests] = [this.#counts, this.#requests]
    this.#counts = new Map()
    this.#requests = []
    try {
      await unit.write(async (tx) =>
        audit.record(tx, {
          at: clock.now(),
          type: 'authentication.failures',
          actor: 'broker',
          data: { counts: Object.fromEntries(taken), requests },
        }),
      )
    } catch (error) {
      for (const [code, n] of taken) this.#counts.set(code, (this.#counts.get(code) ?? 0) + n)
      this.#requests = [...requests, ...this.#requests].slice(0, mostNamed)
      throw error
    }
  }
}
