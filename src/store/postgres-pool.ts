/** Connections that read, as many as the pool has room for. */
import { PostgresFailure, type Server, Session } from './postgres-session.ts'

/** Milliseconds for which a reader waits for a connection. */
const waitMs = 5_000

/** Milliseconds for which a connection that was just used is trusted untested: a test costs its reader a round trip. */
const standsMs = 1_000

/** Milliseconds for which what was read to its end stays open: the next reader ends it with its own beginning, in one message. */
const staysOpenMs = 50

const begin = 'begin isolation level repeatable read read only'

interface Idle {
  session: Session
  since: number
  /** Whether a transaction is open in it, of which nobody wants anything more. */
  isOpen: boolean
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
  #ending: NodeJS.Timeout | undefined

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
    if (this.#pins) {
      this.#putBack(session, false, session.rollBack())
      return
    }
    this.#putBack(session, true, settled(session))
    if (!this.#ending) this.#endLater()
  }

  /** A session that sees with each question what is committed by then. @throws PostgresFailure */
  async take(): Promise<Session> {
    await this.#room()
    // Those that have lain idle may have broken unnoticed.
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      const { session, since, isOpen } = idle
      if (isOpen) {
        // Behind whatever was refused, the rest of a batch is not run.
        session.submit()
        session.send('rollback')
      }
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
  giveBack(session: Session): void {
    this.#putBack(session, false, settled(session))
  }

  /** What is being read is read to its end. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#idle.splice(0).map(({ session }) => session.close()))
  }

  #putBack(session: Session, isOpen: boolean, over: Promise<void>): void {
    if (session.isBroken || this.#closed) void over.then(() => session.close())
    else this.#idle.push({ session, since: performance.now(), isOpen })
    this.#leave()
  }

  #endLater(): void {
    this.#ending = setTimeout(() => this.#endThose(), staysOpenMs).unref()
  }

  /** Ends what has stayed open for long enough. */
  #endThose(): void {
    this.#ending = undefined
    const open = this.#idle.filter(({ isOpen }) => isOpen)
    const until = performance.now() - staysOpenMs
    for (const idle of open.filter(({ since }) => since <= until)) {
      idle.isOpen = false
      void idle.session.rollBack()
    }
    if (open.some(({ isOpen }) => isOpen)) this.#endLater()
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

const settled = (session: Session) => session.settled().catch(() => undefined)

async function answers(session: Session): Promise<boolean> {
  if (session.isBroken) return false
  try {
    await session.script('select 1')
    return !session.isBroken
  } catch {
    return false
  }
}
