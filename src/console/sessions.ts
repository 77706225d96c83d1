/**
 * Who is logged in at the console: in memory, for a quarter of an hour at most. Their ID token stays
 * here, and is looked at anew with each request, as one that comes to the API is; a browser has only a name for it.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { sha256 } from '../base/sha256.ts'

export interface Session {
  /** The admin's ID token. */
  token: string
  /** In every form of theirs, and nowhere else: a page elsewhere does not know it. */
  csrf: string
  /** Milliseconds since 1970. */
  until: number
}

const lifeMs = 900_000

export class Sessions {
  /** By the hash of what their cookie says. */
  readonly #sessions = new Map<string, Session>()
  /** Logins that have been finished, by their state: each is answered once. */
  readonly #finished = new Map<string, number>()

  /** Its name is new, whatever the browser had before: nobody can have given it to them. */
  begin(token: string, clock: Clock): string {
    const now = clock.now()
    for (const [key, { until }] of this.#sessions) if (until <= now) this.#sessions.delete(key)
    const name = randomBytes(32).toString('base64url')
    const csrf = randomBytes(32).toString('base64url')
    this.#sessions.set(sha256(name), { token, csrf, until: now + lifeMs })
    return name
  }

  find(name: string | undefined, clock: Clock): Session | undefined {
    const found = name === undefined ? undefined : this.#sessions.get(sha256(name))
    return found && clock.now() < found.until ? found : undefined
  }

  end(name: string | undefined): void {
    if (name !== undefined) this.#sessions.delete(sha256(name))
  }

  /** Whether the login with this state, which is good until then, is finished for the first time. */
  finishes(state: string, until: number, clock: Clock): boolean {
    const now = clock.now()
    for (const [key, over] of this.#finished) if (over <= now) this.#finished.delete(key)
    if (this.#finished.has(state)) return false
    this.#finished.set(state, until)
    return true
  }
}
