/** How often one may ask. What must hold across restarts, live leases, is counted in the store instead. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { BrokerError } from '../errors.ts'
import { addressing } from './address.ts'

/** Of one configuration. */
export interface LimitSettings {
  requestsPerMinute: { agent: number; address: number }
  failuresPerMinute: { address: number }
  trustedProxies: readonly string[]
}

export class Limits {
  readonly addressOf: ReturnType<typeof addressing>
  readonly #address: RateLimiterMemory
  readonly #failures: RateLimiterMemory
  readonly #agent: RateLimiterMemory

  constructor({ requestsPerMinute, failuresPerMinute, trustedProxies }: LimitSettings) {
    this.addressOf = addressing(trustedProxies)
    this.#address = new RateLimiterMemory({ points: requestsPerMinute.address, duration: 60 })
    this.#failures = new RateLimiterMemory({ points: failuresPerMinute.address, duration: 60 })
    this.#agent = new RateLimiterMemory({ points: requestsPerMinute.agent, duration: 60 })
  }

  /** Before anything of a request is looked at. @throws BrokerError `limit_exceeded` */
  async admit(address: string): Promise<void> {
    const failed = await this.#failures.get(address)
    if (failed && failed.remainingPoints <= 0) throw exceeded('too many failures from this address', failed)
    await consume(this.#address, address, 'too many requests from this address')
  }

  /** Once the agent is known. @throws BrokerError `limit_exceeded` */
  async admitAgent(agent: string): Promise<void> {
    await consume(this.#agent, agent, 'too many requests of this agent')
  }

  /** Somebody at this address could not say who they are, or is nobody here. */
  async failed(address: string): Promise<void> {
    await this.#failures.penalty(address)
  }
}

async function consume(limiter: RateLimiterMemory, key: string, message: string): Promise<void> {
  try {
    await limiter.consume(key)
  } catch (refused) {
    if (refused instanceof RateLimiterRes) throw exceeded(message, refused)
    throw refused
  }
}

function exceeded(message: string, { msBeforeNext }: RateLimiterRes): BrokerError {
  return new BrokerError('limit_exceeded', message, {
    retryAfter: Math.max(1, Math.ceil(msBeforeNext / 1000)),
  })
}
