/**
 * How often one may ask. What must hold across restarts, live leases and open tasks, is counted in
 * the store instead. A limit costs only those whom it is about: what ends something is never refused
 * for what others do, and a token that verifies is not refused for those of its address that do not (docs/decisions/0017).
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Share } from '../agents/registry.ts'
import { BrokerError } from '../base/errors.ts'
import { addressing, network } from './address.ts'
import type { Tally } from './tally.ts'
import { Turns } from './turns.ts'

/** Of one configuration. */
export interface LimitSettings {
  requestsPerMinute: { agent: number; address: number }
  failuresPerMinute: { address: number }
  trustedProxies: readonly string[]
}

/** Of identities that match no agent, how many the log tells all of. */
const explainedPerMinute = 30

/** Calls of tools that one task may put on record: more than anybody makes, and not enough to fill a disk. */
const eventsPerMinute = 300

export class Limits {
  /** The sender of a request, as far as it is counted. */
  readonly senderOf: (remote: string | undefined, forwarded: string | undefined) => string
  readonly #requests: RateLimiterMemory
  readonly #failures: RateLimiterMemory
  readonly #agent: RateLimiterMemory
  readonly #explained = new RateLimiterMemory({ points: explainedPerMinute, duration: 60 })
  readonly #events = new RateLimiterMemory({ points: eventsPerMinute, duration: 60 })
  readonly #turns = new Turns()
  readonly #tally: Tally

  constructor({ requestsPerMinute, failuresPerMinute, trustedProxies }: LimitSettings, tally: Tally) {
    this.#tally = tally
    const addressOf = addressing(trustedProxies)
    this.senderOf = (remote, forwarded) => network(addressOf(remote, forwarded))
    this.#requests = new RateLimiterMemory({ points: requestsPerMinute.address, duration: 60 })
    this.#failures = new RateLimiterMemory({ points: failuresPerMinute.address, duration: 60 })
    this.#agent = new RateLimiterMemory({ points: requestsPerMinute.agent, duration: 60 })
  }

  /** Counts a request, before anything of it is looked at. The refusal, where it is one too many for its sender. */
  async request(sender: string): Promise<BrokerError | undefined> {
    return await this.#consume('address', this.#requests, sender, 'too many requests from this address')
  }

  /** Once it is known whose it is. @throws BrokerError `limit_exceeded` */
  async admitAgent({ agent, owner = '' }: Share): Promise<void> {
    const refused = await this.#consume(
      'agent',
      this.#agent,
      `${agent} ${owner}`,
      'too many requests of this agent',
    )
    if (refused) throw refused
  }

  /** @throws BrokerError `limit_exceeded` */
  async admitEvent(task: string): Promise<void> {
    const refused = await this.#consume('events', this.#events, task, 'too many events of this task')
    if (refused) throw refused
  }

  /**
   * Finds out who a request is from. A sender with too many failures has its checks made a few at
   * a time: its flood of bad tokens delays no other's, and a good one among them gets through.
   */
  async check<T>(sender: string, work: () => Promise<T>): Promise<T> {
    const failed = (await this.#failures.get(sender))?.consumedPoints ?? 0
    const all = failed + this.#tally.elsewhere(nameOf('failures', sender))
    return all >= this.#failures.points ? await this.#turns.take(sender, work) : await work()
  }

  /** Whether the log has room for all that there is to say of an identity that matches no agent. */
  async mayExplain(): Promise<boolean> {
    return (await consume(this.#explained, '')).isWithin
  }

  /** Somebody there could not say who they are, or is nobody here. The refusal, where it is one time too many. */
  async failed(sender: string): Promise<BrokerError | undefined> {
    return await this.#consume(
      'failures',
      this.#failures,
      sender,
      'too many failures from this address, and this is another',
    )
  }

  /** Counts it with what was asked of other brokers. The refusal, where it is one too many. */
  async #consume(
    kind: string,
    limiter: RateLimiterMemory,
    key: string,
    message: string,
  ): Promise<BrokerError | undefined> {
    const name = nameOf(kind, key)
    const { isWithin, times, ms } = await consume(limiter, key)
    this.#tally.count(name, { times, of: limiter.points, ms })
    if (isWithin && times + this.#tally.elsewhere(name) <= limiter.points) return undefined
    return new BrokerError('limit_exceeded', message, { retryAfter: Math.max(1, Math.ceil(ms / 1000)) })
  }
}

const nameOf = (kind: string, key: string) => `${kind} ${key}`

/** How often it was asked within so many milliseconds from now, and whether that is not too often. */
async function consume(
  limiter: RateLimiterMemory,
  key: string,
): Promise<{ isWithin: boolean; times: number; ms: number }> {
  try {
    const { consumedPoints, msBeforeNext } = await limiter.consume(key)
    return { isWithin: true, times: consumedPoints, ms: msBeforeNext }
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    return { isWithin: false, times: refused.consumedPoints, ms: refused.msBeforeNext }
  }
}
