/** What hides behind the core's opaque `Tx`. */
import type { Kysely } from 'kysely'
import type { AuditEvent } from '../audit/event.ts'
import type { Tx } from '../unit.ts'
import type { Rows } from './rows.ts'
import type { Schema } from './schema.ts'

/** An open transaction: its queries and the events that will be chained when it commits. */
export class Transaction {
  readonly #db: Kysely<Schema>
  readonly #rows: Rows
  readonly #events: AuditEvent[] = []
  #over = false

  constructor(db: Kysely<Schema>, rows: Rows) {
    this.#db = db
    this.#rows = rows
  }

  /** @throws Error once the transaction is over: a query then would run outside any. */
  get db(): Kysely<Schema> {
    if (this.#over) throw new Error('this transaction is over')
    return this.#db
  }

  /** @throws Error once the transaction is over. */
  get rows(): Rows {
    if (this.#over) throw new Error('this transaction is over')
    return this.#rows
  }

  /** @throws Error once the transaction is over: an event added then would be lost. */
  get events(): AuditEvent[] {
    if (this.#over) throw new Error('this transaction is over')
    return this.#events
  }

  finish(): void {
    this.#over = true
  }
}

export function asTx(transaction: Transaction): Tx {
  return transaction as unknown as Tx
}

export function inside(tx: Tx): Transaction {
  return tx as unknown as Transaction
}

/** Reading in an open transaction. */
export function queries(tx: Tx): Pick<Kysely<Schema>, 'selectFrom'> {
  return inside(tx).db
}

/** Writing in an open transaction, and telling whether a row is the broker's. */
export function rowsIn(tx: Tx): Rows {
  return inside(tx).rows
}
