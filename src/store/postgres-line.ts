/**
 * A connection beside those that read and write: brokers tell each other on it that something is
 * new, and hold locks for what only one of them is to do at a time (docs/decisions/0041).
 */
import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { BrokerError } from '../base/errors.ts'
import { createExclusive, type Exclusive } from '../base/exclusive.ts'
import { channel, heard, type News } from './postgres-news.ts'
import { isPostgresFailure, type Server, Session } from './postgres-session.ts'

/** A broker that stands still, and does not keep its line, loses it and what it holds. */
const idle = "set idle_session_timeout = '6s'"
/** Between two attempts at a lock that another broker has. */
const lockPauseMs = 50

export class Line {
  readonly #server: Server
  readonly #hear: (news: News) => void
  readonly #inTurn = createExclusive()
  #session: Promise<Session> | undefined
  #isClosed = false

  constructor(server: Server, hear: (news: News) => void) {
    this.#server = server
    this.#hear = hear
  }

  /** To be called every second: opens it anew where it was lost. @throws PostgresFailure */
  async keep(): Promise<void> {
    const session = await this.#open()
    await session.script('select 1')
  }

  /**
   * Runs `work` while nobody else does under this key, here or in another broker. Where the
   * database does not answer, others here are all that is known of: what ends something upstream
   * does not wait for it (invariant I4).
   *
   * @throws BrokerError `unavailable` where the lock was lost before `work` was done: others may have run it
   */
  readonly exclusive: Exclusive = (key, work) =>
    this.#inTurn(key, async () => {
      const number = this.#numberOf(key)
      const holding = await this.#lock(number)
      if (!holding) return await work()
      let result
      try {
        result = await work()
      } catch (error) {
        await this.#unlock(holding, number)
        throw error
      }
      if (await this.#unlock(holding, number)) return result
      throw new BrokerError('unavailable', 'another broker may have done the same meanwhile', {
        retryAfter: 1,
      })
    })

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#session?.catch(() => undefined))?.close()
  }

  /** Undefined where the database does not answer. */
  async #lock(number: string): Promise<Session | undefined> {
    for (;;) {
      try {
        const session = await this.#open()
        const [row] = await session.inOwnBatch('select pg_try_advisory_lock($1::bigint) as taken', [number])
        if (row!['taken'] === true) return session
      } catch (error) {
        if (isPostgresFailure(error)) return undefined
        throw error
      }
      await setTimeout(lockPauseMs)
    }
  }

  /** Whether it was held until now. */
  async #unlock(session: Session, number: string): Promise<boolean> {
    try {
      const [row] = await session.inOwnBatch('select pg_advisory_unlock($1::bigint) as held', [number])
      return row!['held'] === true
    } catch {
      // Else nobody would have it until this line breaks.
      await session.close()
      return false
    }
  }

  async #open(): Promise<Session> {
    const open = await this.#session?.catch(() => undefined)
    if (open && !open.isBroken) return open
    if (this.#isClosed) throw new Error('the store is closed')
    await open?.close()
    const opening = this.#begin()
    this.#session = opening
    return await opening
  }

  async #begin(): Promise<Session> {
    const session = await Session.open(this.#server)
    await session.script(idle)
    await session.listen(channel, (payload) => this.#hear(heard(payload)))
    return session
  }

  /** Locks have numbers: those of one schema and key are the same for all brokers. */
  #numberOf(key: string): string {
    const hash = createHash('sha256').update(JSON.stringify([this.#server.schema, key]))
    return hash.digest().readBigInt64BE().toString()
  }
}
