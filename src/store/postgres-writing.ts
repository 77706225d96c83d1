/**
 * The connection through which a broker writes a PostgreSQL database, and which has it for
 * this broker alone as long as it stands (docs/decisions/0040).
 */
import { setTimeout } from 'node:timers/promises'
import type { Writing } from './connection.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { isPostgresFailure, kyselyOver, type Server, Session } from './postgres-session.ts'
import { obstacleIn } from './postgres-settings.ts'

/** Looks through the store that are had at once, and the milliseconds after which there is another: others may keep writing in the same server. */
const looksAtOnce = 20
const lookEveryMs = 5_000
/** A connection that has just broken may have its lock for a moment yet. */
const lockTries = 20
const lockPauseMs = 100

/** Numbered by whoever uses such locks: `mayf`, and the schema's own number. */
const takeLock = 'select pg_try_advisory_lock(1835104614, current_schema()::regnamespace::oid::int) as taken'

/**
 * A session that has the database for this broker. Undefined where another broker has it.
 *
 * @throws PostgresFailure; Error for a server that cannot be relied on.
 */
export async function openLocked(server: Server): Promise<Session | undefined> {
  const session = await Session.open(server)
  try {
    const obstacle = await obstacleIn(session)
    if (obstacle !== undefined) throw new Error(obstacle)
    for (let left = lockTries; left > 0; left -= 1) {
      const [row] = await session.script(takeLock)
      if (row!['taken'] === true) return session
      await setTimeout(lockPauseMs)
    }
    await session.close()
    return undefined
  } catch (error) {
    await session.close()
    throw error
  }
}

export interface PostgresWriting extends Writing {
  close(): Promise<void>
}

export function writingOver(server: Server, first: Session): PostgresWriting {
  let session = first
  const transactions = new Transactions()
  const reconnect = async () => {
    await session.close()
    const again = await openLocked(server)
    if (!again) throw new Error('another broker has the database')
    session = again
    transactions.lost()
  }
  return {
    schema: first.connection.schema,
    db: kyselyOver((sql, values) => session.all(sql, values)),
    statements: {
      dialect: postgresDialect,
      all: (sql, values) => session.connection.statements.all(sql, values),
      each: (sql) => session.connection.statements.each(sql),
      run(sql, values) {
        transactions.write()
        return session.connection.statements.run(sql, values)
      },
    },
    async begin() {
      if (session.isBroken) await reconnect()
      const rows = await session.script(Transactions.begin).catch(async (error: unknown) => {
        if (!session.isBroken) throw error
        await reconnect()
        return await session.script(Transactions.begin)
      })
      transactions.begun(String(rows[0]!['snapshot']))
    },
    async commit() {
      transactions.over()
      await session.commit()
    },
    async rollBack() {
      transactions.over()
      await session.rollBack()
    },
    mark() {
      transactions.mark()
      session.send('savepoint work')
    },
    async keep() {
      transactions.unmark()
      session.send('release savepoint work')
      await session.settled()
    },
    async undo() {
      transactions.unmark()
      await session.settled().catch(() => undefined)
      await session.script('rollback to savepoint work; release savepoint work')
    },
    version: () => transactions.version(),
    // The server itself takes numbers now and then: that must not refuse anybody anything.
    lookMs: 2_000,
    isFailure: isPostgresFailure,
    close: () => session.close(),
  }
}

/**
 * Tells when somebody else has written, or is about to. A server numbers its transactions:
 * each that writes takes a number, and so does what is written behind a mark in it. So the
 * next number is known, unless somebody else has taken one.
 */
class Transactions {
  static readonly begin = 'begin; select pg_current_snapshot()::text as snapshot'
  /** Undefined where nobody can tell. */
  #next: number | undefined
  #isOpen = false
  #hasNumber = false
  #mark: 'none' | 'set' | 'written' = 'none'
  #isForeign = true
  /** Whether another transaction has a number and is not over. */
  #isBeside = false
  #version: unknown = {}
  #looks = looksAtOnce
  #counted = performance.now()

  /** `MIN:MAX:RUNNING`: where nobody else writes, both are the next number, and nothing runs. */
  begun(snapshot: string): void {
    const [least = '', most = '', running = ''] = snapshot.split(':')
    this.#isBeside = least !== most || running !== ''
    if (this.#isBeside || Number(most) !== this.#next) this.#isForeign = true
    this.#next = Number(most)
    this.#isOpen = true
    this.#hasNumber = false
    this.#mark = 'none'
  }

  write(): void {
    if (!this.#hasNumber) this.#take()
    this.#hasNumber = true
    if (this.#mark === 'set') {
      this.#take()
      this.#mark = 'written'
    }
  }

  mark(): void {
    this.#mark = 'set'
  }

  unmark(): void {
    this.#mark = 'none'
  }

  over(): void {
    this.#isOpen = false
  }

  /** Another broker may have had the database meanwhile: to write behind it costs its events, so no budget is asked. */
  lost(): void {
    this.#next = undefined
    this.#isForeign = true
    this.#version = {}
  }

  version(): unknown {
    // Only a transaction can tell.
    if (!this.#isOpen) return {}
    if (this.#isForeign && this.#mayLook()) {
      this.#isForeign = this.#isBeside
      this.#looks -= 1
      this.#version = {}
    }
    return this.#version
  }

  #mayLook(): boolean {
    const more = Math.floor((performance.now() - this.#counted) / lookEveryMs)
    this.#counted += more * lookEveryMs
    this.#looks = Math.min(looksAtOnce, this.#looks + more)
    return this.#looks > 0
  }

  #take(): void {
    if (this.#next !== undefined) this.#next += 1
  }
}
