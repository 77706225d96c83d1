/**
 * How often one may ask. What must hold across restarts, live leases and open tasks, is counted in
 * the store instead. A limit costs only those whom it is about: what ends something is never refused
 * for what others do, and a token that verifies is not refused for those of its address that do not (docs/decisions/0017).
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { BrokerError } from '../base/errors.ts'
import { addressing, network } from './address.ts'
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

  constructor({ requestsPerMinute, failuresPerMinute, trustedProxies }: LimitSettings) {
    const addressOf = addressing(trustedProxies)
    this.senderOf = (remote, forwarded) => network(addressOf(remote, forwarded))
    this.#requests = new RateLimiterMemory({ points: requestsPerMinute.address, duration: 60 })
    this.#failures = new RateLimiterMemory({ points: failuresPerMinute.address, duration: 60 })
    this.#agent = new RateLimiterMemory({ points: requestsPerMinute.agent, duration: 60 })
  }

  /** Counts a request, before anything of it is looked at. The refusal, where it is one too many for its sender. */
  async request(sender: string): Promise<BrokerError | undefined> {
    return await consume(this.#requests, sender, 'too many requests from this address')
  }

  /** Once the agent is known. @throws BrokerError `limit_exceeded` */
  async admitAgent(agent: string): Promise<void> {
    const refused = await consume(this.#agent, agent, 'too many requests of this agent')
    if (refused) throw refused
  }

  /** @throws BrokerError `limit_exceeded` */
  async admitEvent(task: string): Promise<void> {
    const refused = await consume(this.#events, task, 'too many events of this task')
    if (refused) throw refused
  }

  /**
   * Finds out who a request is from. A sender with too many failures has its checks made a few at
   * a time: its flood of bad tokens delays no other's, and a good one among them gets through.
   */
  async check<T>(sender: string, work: () => Promise<T>): Promise<T> {
    const failed = await this.#failures.get(sender)
    return failed && failed.remainingPoints <= 0 ? await this.#turns.take(sender, work) : await work()
  }

  /** Whether the log has room for all that there is to say of an identity that matches no agent. */
  async mayExplain(): Promise<boolean> {
    return (await consume(this.#explained, '', '')) === undefined
  }

  /** Somebody there could not say who they are, or is nobody here. The refusal, where it is one time too many. */
  async failed(sender: string): Promise<BrokerError | undefined> {
    return await consume(this.#failures, sender, 'too many failures from this address, and this is another')
  }
}

async function consume(
  limiter: RateLimiterMemory,
  key: string,
  message: string,
): Promise<BrokerError | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    return new BrokerError('limit_exceeded', message, {
      retryAfter: Math.max(1, Math.ceil(refused.msBeforeNext / 1000)),
    })
  }
}
