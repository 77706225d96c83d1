/** Reading in one snapshot of a store, whatever its engine. */
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import type { Tx, Unit } from '../base/unit.ts'
import type { Connection } from './connection.ts'
import { Counts } from './counts.ts'
import { headRows, openHead } from './head.ts'
import { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { AtOnce } from './row-writes.ts'
import { Rows, unwatched, type Watch } from './rows.ts'
import type { Dialect, MaybePromise, Statements, StoredRow } from './statements.ts'
import { type Assignment, asTx, Transaction } from './transaction.ts'

export interface Reader {
  read: Unit['read']
  find: Unit['find']
  /** What `watch` knows of what somebody else has done to the store holds for what is read from now on. */
  watchedBy(watch: Watch): void
  close(): Promise<void>
}

/** Everything else that is read belongs to one installation. */
export interface Installation {
  seal: Seal
  macs: RowMacs
  installation: string
  /** Where several brokers write the store: what is this one's now. */
  assignment?: () => Assignment
  /** Who looks through the store, where somebody does. */
  watch?: Watch
}

/** Whose store it is, by its head, and where that cannot be relied on by its row. */
export async function installationLeft({ statements }: Connection, seal: Seal): Promise<Installation> {
  const [row] = await statements.all('select id from installation')
  const head = openHead(await statements.all(headRows), seal)
  const installation = head?.state?.installation ?? String(row?.['id'])
  return { seal, macs: await RowMacs.of(statements, seal, installation), installation }
}

/** Runs `work` in the transaction that is open. @throws BrokerError `unavailable` where `isFailure` says that the engine failed. */
export async function readWith<T>(
  connection: Connection & { isFailure(error: unknown): boolean },
  { seal, macs, installation, assignment, watch = unwatched }: Installation,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const { db, statements } = connection
  const sums = new RowSums(seal)
  const rows = new Rows({
    writes: new AtOnce(statements),
    macs,
    sums,
    counts: new Counts(),
    watch,
  })
  const transaction = new Transaction({
    db,
    statements,
    seal,
    installation,
    rows,
    macs,
    assignment: assignment?.(),
  })
  try {
    const value = await work(asTx(transaction))
    // INVARIANT I6: what is recorded here would never be chained.
    if (transaction.events.length > 0) throw new Error('only a transaction that writes can record an event')
    return value
  } catch (error) {
    if (!connection.isFailure(error)) throw error
    throw unreadable(error)
  } finally {
    transaction.finish()
  }
}

/** The same without a transaction, for a work that asks one question. */
export async function findWith<T>(
  connection: Pick<Connection, 'statements'> & { isFailure(error: unknown): boolean },
  installation: Installation,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const asked = {
    db: nothingComposed,
    statements: new Question(connection.statements),
    isFailure: (error: unknown) => connection.isFailure(error),
  }
  return await readWith(asked, installation, work)
}

const nothingComposed = new Proxy({} as Connection['db'], {
  get() {
    throw new Error('what is found here is looked up, and by nothing that is put together')
  },
})

/** The statements of a connection, of which one is run. */
class Question implements Statements {
  readonly #statements: Statements
  #isAsked = false

  constructor(statements: Statements) {
    this.#statements = statements
  }

  get dialect(): Dialect {
    return this.#statements.dialect
  }

  all(sql: string, values?: readonly unknown[]): MaybePromise<StoredRow[]> {
    if (this.#isAsked) this.#refuse()
    this.#isAsked = true
    return this.#statements.all(sql, values)
  }

  each(): never {
    return this.#refuse()
  }

  run(): never {
    return this.#refuse()
  }

  #refuse(): never {
    throw new Error('one question is asked here: the answer to another might be of another moment')
  }
}

export function unreadable(cause: unknown): BrokerError {
  return new BrokerError('unavailable', 'the store cannot be read', { cause, retryAfter: 1 })
}
