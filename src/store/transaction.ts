/** The store's transaction, which the core sees only as `Tx`, and how queries reach it. */
import type { Kysely } from 'kysely'
import type { AuditEvent } from '../audit/event.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import type { RowMacs } from './row-macs.ts'
import type { Rows } from './rows.ts'
import type { Schema } from './schema.ts'
import type { Statements } from './statements.ts'

/**
 * What of all that is due is this broker's, where several write one store: rows that it inserts,
 * or makes due at another time, name it (docs/decisions/0041).
 */
export interface Assignment {
  /** As rows name this broker. */
  readonly id: string
  /** As rows name brokers whose work is that of others that live. */
  readonly others: readonly string[]
}

/** What belongs to the store as a whole. */
interface Bound {
  db: Kysely<Schema>
  seal: Seal
  /** The id of the installation. */
  installation: string
  rows: Rows
  macs: RowMacs
  statements: Statements
  /** Where several brokers write the store: what is this one's. */
  assignment?: Assignment | undefined
}

/** An open transaction: its queries, the events that will be chained when it commits, and whom it lets go on. */
export class Transaction {
  readonly #bound: Bound
  readonly #events: AuditEvent[] = []
  readonly #decided: string[] = []
  #over = false

  constructor(bound: Bound) {
    this.#bound = bound
  }

  /** @throws Error once the transaction is over: a query then would run outside any. */
  get bound(): Bound {
    if (this.#over) throw new Error('this transaction is over')
    return this.#bound
  }

  /** @throws Error once the transaction is over: an event added then would be lost. */
  get events(): AuditEvent[] {
    if (this.#over) throw new Error('this transaction is over')
    return this.#events
  }

  /** Tasks that wait for approval no longer, once this is committed: whoever waits with one of them is to be told. */
  get decided(): string[] {
    if (this.#over) throw new Error('this transaction is over')
    return this.#decided
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

/** What an open transaction works with. */
export function bound(tx: Tx): Bound {
  return inside(tx).bound
}

/** Reading in an open transaction. */
export function queries(tx: Tx): Pick<Kysely<Schema>, 'selectFrom'> {
  return bound(tx).db
}

/** Writing in an open transaction, and telling whether a row is the broker's. */
export function rowsIn(tx: Tx): Rows {
  return bound(tx).rows
}
