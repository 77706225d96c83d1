/** Connections to a store, whatever its engine. */
import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'
import type { MaybePromise, Statements } from './statements.ts'

/** For queries that are put together and for statements that are written out. */
export interface Connection {
  db: Kysely<Schema>
  statements: Statements
  /** The schema of the database in which the tables are, where there may be several. */
  schema?: string
}

/** One that reads what was committed when it was opened, and nothing since. */
export interface Snapshot extends Connection, AsyncDisposable {}

/** The one through which a broker writes. */
export interface Writing extends Connection {
  /** Begins a transaction that may write: nobody else's can until it is over. */
  begin(): Promise<void>
  commit(): MaybePromise<void>
  /** Leaves nothing of the transaction, if one is open. Where that fails, the next cannot begin and tries again. */
  rollBack(): MaybePromise<void>
  /** Sets the savepoint of the transaction: it has one at most. */
  savepoint(): MaybePromise<void>
  /**
   * Releases it. Resolves once the engine has taken all that was written behind it; more may be sent meanwhile. Rejects
   * where it refused any of it: all that was sent since has failed then too, and `rollBackTo` goes back to this savepoint.
   */
  release(): MaybePromise<void>
  rollBackTo(): MaybePromise<void>
  /** Milliseconds after which no other work is begun that shares the commit: the first of them waits for the last. */
  readonly groupMs: number
  /** Milliseconds that a commit waits for the store to be looked through when somebody else has written. */
  readonly lookMs: number
  /** In a transaction: something that is another whenever somebody else has committed. */
  version(): MaybePromise<unknown>
  /** Whether the engine itself has thrown it, or its connection. */
  isFailure(error: unknown): boolean
  /** Where other brokers may write the same store; absent where none can. */
  readonly others?: Others
}

/** What brokers that write one store in turns tell each other. Each transaction is one turn (docs/decisions/0041). */
export interface Others {
  /** Begins as `begin` does. What `ask` sends goes to the server with it, is read once the turn has come, and returned. */
  begin<Answer>(ask: () => Promise<Answer>): Promise<Answer>
  /** Whether the connection is gone, and with it whatever was not committed: the next `begin` has another. */
  readonly isLost: boolean
  /** Whether anybody else may have written since the transaction before this one, or be about to. */
  readonly mayHaveWritten: boolean
  /** Whether this transaction has written: then the head has to say so. */
  readonly hasWritten: boolean
  /** What the next transaction that writes will be known by, once the head is written: goes into it. */
  next(): number
  /** Whoever had the turn before said that this is what the next one is known by. */
  follow(next: number | undefined): void
  /** Has the others told, once this is committed, that these tasks wait for approval no longer. */
  tell(tasks: readonly string[]): MaybePromise<void>
}
