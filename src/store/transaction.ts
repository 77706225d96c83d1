/** What hides behind the core's opaque `Tx`. */
import type { Kysely } from 'kysely'
import type { AuditEvent } from '../audit/event.ts'
import type { Tx } from '../unit.ts'
import type { Schema } from './schema.ts'

/** An open transaction: its queries and the events that will be chained when it commits. */
export class Transaction {
  readonly #db: Kysely<Schema>
  readonly #events: AuditEvent[] = []
  #over = false

  constructor(db: Kysely<Schema>) {
    this.#db = db
  }

  /** @throws Error once the transaction is over: a query then would run outside any. */
  get db(): Kysely<Schema> {
    if (this.#over) throw new Error('this transaction is over')
    return this.#db
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

/** The queries of an open transaction. */
export function queries(tx: Tx): Kysely<Schema> {
  return inside(tx).db
}
