/** Connections that read, as many as the pool has room for. */
import { PostgresFailure, type Server, Session } from './postgres-session.ts'

/** Milliseconds for which a reader waits for a connection. */
const waitMs = 5_000

/** Milliseconds for which a connection that was just used is trusted untested: a test costs its reader a round trip. */
const standsMs = 1_000

const begin = 'begin isolation level repeatable read read only'

interface Idle {
  session: Session
  since: number
}

export class ReadPool {
  readonly #server: Server
  readonly #most: number
  readonly #pins: boolean
  readonly #idle: Idle[] = []
  /** Sessions that somebody has, or is about to. */
  #lent = 0
  #closed = false
  #waiting: (() => void)[] = []

  /** `pins`: whether what is read has to be what was committed as it began, though it is asked later. */
  constructor(server: Server, most: number, { pins = false } = {}) {
    this.#server = server
    this.#most = most
    this.#pins = pins
  }

  /** A session that sees what is committed at one moment, and nothing since. @throws PostgresFailure */
  async begin(): Promise<Session> {
    const session = await this.take()
    if (!this.#pins) {
      session.send(begin)
      return session
    }
    try {
      await session.script(`${begin}; select 1`)
      return session
    } catch (error) {
      this.end(session)
      throw error
    }
  }

  /** Nobody waits for the end of what was only read. */
  end(session: Session): void {
    // Sent before whatever the next one sends.
    this.giveBack(session, session.rollBack())
  }

  /** A session that sees with each question what is committed by then. @throws PostgresFailure */
  async take(): Promise<Session> {
    await this.#room()
    // Those that have lain idle may have broken unnoticed.
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      const { session, since } = idle
      const isFresh = !session.isBroken && performance.now() - since < standsMs
      if (isFresh || (await answers(session))) return session
      await session.close()
    }
    try {
      return await this.#another()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** `over`: once nothing that was asked of it is under way. */
  giveBack(session: Session, over = session.settled().catch(() => undefined)): void {
    if (session.isBroken || this.#closed) void over.then(() => session.close())
    else this.#idle.push({ session, since: performance.now() })
    this.#leave()
  }

  /** What is being read is read to its end. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()))
  }

  async #another(): Promise<Session> {
    const session = await Session.open(this.#server)
    if (await answers(session)) return session
    await session.close()
    throw new PostgresFailure(new Error('a new connection cannot be read from'))
  }

  async #room(): Promise<void> {
    if (this.#lent < this.#most) {
      this.#lent += 1
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((each) => each !== given)
      reject(new PostgresFailure(new Error('no connection was free')))
    }, waitMs)
    const given = () => {
      clearTimeout(timer)
      resolve()
    }
    this.#waiting.push(given)
    await promise
  }

  /** Its place goes to the one who has waited longest. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#lent -= 1
  }
}

async function answers(session: Session): Promise<boolean> {
  if (session.isBroken) return false
  try {
    await session.script('select 1')
    return !session.isBroken
  } catch {
    return false
  }
}
