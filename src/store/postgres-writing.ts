/**
 * The connection through which a broker writes a PostgreSQL database: one at a time, each
 * transaction a turn (docs/decisions/0040, docs/decisions/0041).
 */
import type { Writing } from './connection.ts'
import { channel, told } from './postgres-news.ts'
import { ownSchema, postgresDialect } from './postgres-dialect.ts'
import { isPostgresFailure, kyselyOver, type Server, type Session } from './postgres-session.ts'

/**
 * Looks through the whole store that may follow each other at once, and milliseconds until there may be one more:
 * whoever keeps writing elsewhere in the server would else cause one with every commit.
 */
const looksAtOnce = 20
const lookEveryMs = 5_000
/** Which broker's turn it is, by a lock that goes with the transaction: `mayg`, and the schema's own number. */
const takeTurn = `select pg_advisory_xact_lock(1835104615, ${ownSchema}::oid::int)`
/** What is seen and numbered is what there is once the turn is this broker's. */
const findSnapshot = 'select pg_current_snapshot()::text as snapshot'
/** Whoever holds up the others for so long, or stops in the middle of its turn, has lost it. */
const waitForTurn = '10s'
const stopInTurn = '3s'

/** Has the server take the turn from a broker that stands still, and refuse one that would wait too long for its own. */
export async function limitTurns(session: Session): Promise<void> {
  await session.script(
    `set lock_timeout = '${waitForTurn}'; set idle_in_transaction_session_timeout = '${stopInTurn}'`,
  )
}

export interface PostgresWriting extends Writing {
  close(): Promise<void>
}

/** `reopen` is how the database is had again where the connection was lost. `self` is the name under which others are told what is decided; without one, nobody is told. */
export function writingOver(
  server: Server,
  first: Session,
  reopen: (server: Server) => Promise<Session | undefined>,
  self?: string,
): PostgresWriting {
  let session = first
  const transactions = new Transactions()
  const reconnect = async () => {
    await session.close()
    const again = await reopen(server)
    if (!again) throw new Error('another process has the database')
    await limitTurns(again)
    session = again
    transactions.lost()
  }
  const begin = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (session.isBroken) await reconnect()
    const attempt = async () => {
      session.send('begin isolation level read committed')
      session.send(takeTurn)
      // Its wait is its own: the rest is sent behind it, and has all the time that an answer may take.
      session.submit()
      const [rows, answer] = await Promise.all([session.all(findSnapshot, []), ask()])
      transactions.begun(String(rows[0]!['snapshot']))
      return answer
    }
    return await attempt().catch(async (error: unknown) => {
      if (!session.isBroken) throw error
      await reconnect()
      return await attempt()
    })
  }
  const refused = (error: unknown) => {
    transactions.refused()
    throw error
  }
  const settled = () => session.settled().catch(refused)
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
    begin: () => begin(() => Promise.resolve()),
    async commit() {
      transactions.over()
      await session.commit().catch(refused)
    },
    async rollBack() {
      // A work may have kept to itself what was refused, or not have waited to hear of it.
      if (transactions.isOpen) transactions.refused()
      transactions.over()
      await session.rollBack()
    },
    savepoint() {
      transactions.save()
      session.send('savepoint work')
    },
    release() {
      // Else a later `rollBackTo` could go back to it, if its own was refused: and with it what was kept behind it.
      session.send('release savepoint work')
      transactions.unsave()
      return settled()
    },
    async rollBackTo() {
      transactions.unsave()
      await settled().catch(() => undefined)
      await session.script('rollback to savepoint work; release savepoint work')
    },
    version: () => transactions.version(),
    // Others are served while the server works, and each commit costs round trips of its own.
    groupMs: 30,
    // The server itself takes numbers now and then: that must not refuse anybody anything.
    lookMs: 2_000,
    isFailure: isPostgresFailure,
    others: {
      begin,
      get isLost() {
        return session.isBroken
      },
      get mayHaveWritten() {
        return transactions.haveOthers
      },
      get hasWritten() {
        return transactions.hasNumber
      },
      next: () => transactions.after(),
      follow: (next) => transactions.follow(next),
      async tell(tasks) {
        if (self !== undefined && tasks.length > 0)
          await session.connection.statements.run('select pg_notify(?, ?)', [channel, told(self, tasks)])
      },
    },
    close: () => session.close(),
  }
}

/**
 * Tells when somebody else has written, or is about to. A server numbers its transactions:
 * each that writes takes a number, and so does what is written behind a savepoint in it. So the
 * next number is known, unless somebody else has taken one.
 */
class Transactions {
  /** Undefined where nobody can tell. */
  #next: number | undefined
  /** What the transaction that is open found, until it was held against what is known. */
  #found: { next: number; isBeside: boolean } | undefined
  #isOpen = false
  #hasNumber = false
  /** Whether nothing was written since a savepoint that was set. */
  #isAtSavepoint = false
  #isForeign = true
  /** The same of the transaction that is open alone. */
  #haveOthers = true
  /** Whether another transaction has a number and is not over. */
  #isBeside = false
  #version: unknown = {}
  readonly #looks = new Looks()

  /** `MIN:MAX:RUNNING`: where nobody else writes, both are the next number, and nothing runs. */
  begun(snapshot: string): void {
    const [least = '', most = '', running = ''] = snapshot.split(':')
    this.#found = { next: Number(most), isBeside: least !== most || running !== '' }
    this.#isOpen = true
    this.#hasNumber = false
    this.#isAtSavepoint = false
  }

  /** Whether anybody else may have written since the last, or be about to. */
  get haveOthers(): boolean {
    this.#compare()
    return this.#haveOthers
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get hasNumber(): boolean {
    return this.#hasNumber
  }

  /** Whoever had the turn before counted so far. */
  follow(next: number | undefined): void {
    this.#next = next
  }

  /** What the next one is known by, once this one has written. */
  after(): number {
    this.write()
    return this.#next!
  }

  write(): void {
    this.#compare()
    if (!this.#hasNumber) this.#take()
    this.#hasNumber = true
    if (this.#isAtSavepoint) this.#take()
    this.#isAtSavepoint = false
  }

  save(): void {
    this.#isAtSavepoint = true
  }

  unsave(): void {
    this.#isAtSavepoint = false
  }

  over(): void {
    this.#isOpen = false
  }

  /** The server has refused a statement: how many numbers were taken behind it nobody can tell. */
  refused(): void {
    this.#next = undefined
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
    this.#compare()
    if (this.#isForeign && this.#looks.take()) {
      this.#isForeign = this.#isBeside
      this.#version = {}
    }
    return this.#version
  }

  #compare(): void {
    if (!this.#found) return
    const { next, isBeside } = this.#found
    this.#found = undefined
    this.#haveOthers = this.#isBeside || isBeside || next !== this.#next
    this.#isBeside = isBeside
    if (isBeside || next !== this.#next) this.#isForeign = true
    this.#next = next
  }

  #take(): void {
    if (this.#next !== undefined) this.#next += 1
  }
}

/** A token bucket: how many looks through the store there may be by now. */
class Looks {
  #left = looksAtOnce
  #filledAt = performance.now()

  /** Whether there may be one; then there is one less. */
  take(): boolean {
    const more = Math.floor((performance.now() - this.#filledAt) / lookEveryMs)
    this.#filledAt += more * lookEveryMs
    this.#left = Math.min(looksAtOnce, this.#left + more)
    if (this.#left === 0) return false
    this.#left -= 1
    return true
  }
}
