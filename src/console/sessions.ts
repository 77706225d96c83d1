/**
 * Who is logged in at the console: for a quarter of an hour at most, in cookies that the broker alone
 * can read, so that whichever of several brokers is asked knows them. In it is the admin's ID token,
 * which is looked at anew with each request, as one that comes to the API is.
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import { sha256 } from '../base/sha256.ts'

const session = z.object({
  /** The admin's ID token. */
  token: z.string(),
  /** In every form of theirs, and nowhere else: a page elsewhere does not know it. */
  csrf: z.string(),
  /** Milliseconds since 1970. */
  until: z.number(),
})
export type Session = z.infer<typeof session>

const lifeMs = 900_000
const place = { table: 'console', column: 'session', row: 'cookie' }

/** RFC 6265 §6.1: a browser keeps cookies of 4,096 bytes, name and attributes among them; Node reads headers of 16 KiB. */
const longestPart = 3_500
export const mostParts = 3

interface Context {
  seal: Seal
  clock: Clock
}

/** New with each login, whatever the browser had before: nobody can have given it to them. @throws BrokerError `invalid_request` */
export function newSession({ seal, clock }: Context, token: string): string[] {
  const csrf = randomBytes(32).toString('base64url')
  const sealed = seal.seal(JSON.stringify({ token, csrf, until: clock.now() + lifeMs }), place)
  const parts = sealed.match(new RegExp(`.{1,${longestPart}}`, 'g'))!
  if (parts.length <= mostParts) return parts
  throw new BrokerError('invalid_request', 'the ID token of this issuer is too long for a browser to keep')
}

/** What has ended before its time, at this broker: others only see that the browser no longer has it. */
export class Ended {
  readonly #ended = new Map<string, number>()

  /** False where it had ended before. */
  end(what: string, until: number, clock: Clock): boolean {
    const now = clock.now()
    for (const [key, over] of this.#ended) if (over <= now) this.#ended.delete(key)
    const key = sha256(what)
    if (this.#ended.has(key)) return false
    this.#ended.set(key, until)
    return true
  }

  has(what: string): boolean {
    return this.#ended.has(sha256(what))
  }
}

/** Undefined for what is none, or is over. */
export function readSession({ seal, clock }: Context, parts: readonly string[]): Session | undefined {
  if (parts.length === 0) return undefined
  try {
    const found = session.parse(JSON.parse(seal.open(parts.join(''), place)))
    return clock.now() < found.until ? found : undefined
  } catch {
    return undefined
  }
}
