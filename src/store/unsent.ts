/**
 * Rows that works have written and the database has not been sent: those of a whole commit go in a few statements
 * (docs/decisions/0070). Whatever is asked of the database is asked behind what was written before.
 */
import type { Kysely, KyselyPlugin } from 'kysely'
import type { Connection, Writing } from './connection.ts'
import { insertion, replacement, update } from './row-sql.ts'
import { AtOnce, type RowWrites } from './row-writes.ts'
import type { Schema } from './schema.ts'
import { type SealedTable, sealingOf } from './sealed-tables.ts'
import type { MaybePromise, Statements, StoredRow } from './statements.ts'

/** The most rows that one statement puts: each number of them is a statement to prepare. */
const rowsAtOnce = 16

/** What becomes of a row: all of it where it is put in, else these columns. */
interface Write {
  table: SealedTable
  row: StoredRow
  columns?: Set<string>
}

export class Unsent implements Connection, RowWrites {
  readonly #connection: Writing
  readonly #atOnce: AtOnce
  /** What was written goes first, whatever is asked or run. */
  readonly statements: Statements
  readonly db: Kysely<Schema>
  /** Of works that are to be kept, and of the one under way. */
  #kept = new Writes()
  #own = new Writes()
  #together = true
  #isUnderWay = false
  /** Whether there is a savepoint before what was sent of the work under way. */
  #isSaved = false
  /** What the engine said to what was sent: a work that had it sent may not know whose it was, or keep it to itself. */
  #refused: { error: unknown } | undefined

  constructor(connection: Writing) {
    this.#connection = connection
    const { statements, db } = connection
    this.#atOnce = new AtOnce(statements)
    this.statements = {
      dialect: statements.dialect,
      all: (sql, values) => (this.#sendAllSoFar(), statements.all(sql, values)),
      each: (sql) => (this.#sendAllSoFar(), statements.each(sql)),
      run: (sql, values) => this.#runNow(() => statements.run(sql, values)),
    }
    this.db = db.withPlugin(before(() => this.#sendAllSoFar()))
  }

  /** A transaction begins. `together`: else each work is sent by itself, so that each is told what the database says to it. */
  begin(together: boolean): void {
    this.#together = together
    this.#isUnderWay = false
    this.#refused = undefined
    this.#kept = new Writes()
    this.#own = new Writes()
  }

  beginWork(): MaybePromise<void> {
    this.#isUnderWay = true
    this.#isSaved = !this.#together
    if (this.#isSaved) return this.#connection.savepoint()
  }

  /**
   * Resolves, or rejects, as `release` of the connection does where something of the work was sent already, and at once
   * where nothing was. @throws what was said to anything that was sent together with others
   */
  keepWork(): MaybePromise<void> {
    this.#mayGoOn()
    this.#isUnderWay = false
    if (this.#isSaved) {
      this.#sendOwn()
      return this.#connection.release()
    }
    this.#kept.take(this.#own)
    this.#own = new Writes()
  }

  /** Nothing is left of the work. */
  undoWork(): MaybePromise<void> {
    this.#isUnderWay = false
    this.#own = new Writes()
    if (this.#isSaved) return this.#connection.rollBackTo()
  }

  /** Whether the engine has refused something that was sent together with others: then all of it is lost. */
  get isRefused(): boolean {
    return this.#refused !== undefined
  }

  /** Sends all that is left, once no work is under way any more: with it the counts, which are nobody's own. */
  sendAll(): void {
    this.#mayGoOn()
    this.#kept.take(this.#own)
    this.#own = new Writes()
    this.#sendKept()
  }

  reading(table: SealedTable): Statements {
    if (this.#own.has(table) || this.#kept.has(table)) this.#sendAllSoFar()
    return this.#connection.statements
  }

  insert(table: SealedTable, row: StoredRow): MaybePromise<void> {
    if (!this.#together) return this.#atOnce.insert(table, row)
    // There is one already: that is for the database to say.
    if (this.#own.hasRow(table, row) || this.#kept.hasRow(table, row)) this.#sendAllSoFar()
    this.#own.put(table, row)
  }

  update(
    table: SealedTable,
    row: StoredRow,
    after: StoredRow,
    columns: readonly string[],
  ): MaybePromise<void> {
    if (!this.#together) return this.#atOnce.update(table, row, after, columns)
    this.#own.change(table, after, columns)
  }

  remove(table: SealedTable, row: StoredRow): MaybePromise<void> {
    return this.#runNow(() => this.#atOnce.remove(table, row))
  }

  #runNow(run: () => MaybePromise<void>): MaybePromise<void> {
    this.#saveAndSend()
    return this.#noted(run)
  }

  #sendAllSoFar(): void {
    if (this.#own.isEmpty) this.#sendKept()
    else this.#saveAndSend()
  }

  /** What is sent of a work before it is known whether it is to be kept goes behind a savepoint. */
  #saveAndSend(): void {
    this.#sendKept()
    if (this.#isUnderWay && !this.#isSaved) {
      this.#isSaved = true
      void this.#noted(() => this.#connection.savepoint())
    }
    this.#sendOwn()
  }

  #sendKept(): void {
    this.#kept = this.#send(this.#kept)
  }

  #sendOwn(): void {
    this.#own = this.#send(this.#own)
  }

  #send(writes: Writes): Writes {
    this.#mayGoOn()
    if (writes.isEmpty) return writes
    this.#noted(() => writes.send(this.#connection.statements))
    return new Writes()
  }

  /** Behind what an engine refused it may have ended the transaction, and take whatever comes for one of its own. */
  #mayGoOn(): void {
    if (this.#refused) throw this.#refused.error
  }

  /** SQLite throws here; what PostgreSQL refuses is told at the commit (`Session.settled`). Where works are sent one by one, each is told by itself. */
  #noted<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      if (this.#together) this.#refused ??= { error }
      throw error
    }
  }
}

/** By row, in the order in which they were first written. */
class Writes {
  readonly #writes = new Map<string, Write>()
  readonly #tables = new Set<SealedTable>()

  get isEmpty(): boolean {
    return this.#tables.size === 0
  }

  has(table: SealedTable): boolean {
    return this.#tables.has(table)
  }

  hasRow(table: SealedTable, row: StoredRow): boolean {
    return this.has(table) && this.#writes.has(nameOf(table, row))
  }

  put(table: SealedTable, row: StoredRow): void {
    this.#add(nameOf(table, row), { table, row })
  }

  change(table: SealedTable, row: StoredRow, columns: Iterable<string>): void {
    const name = nameOf(table, row)
    const known = this.#writes.get(name)
    if (!known) return this.#add(name, { table, row, columns: new Set(columns) })
    known.row = row
    if (known.columns) for (const column of columns) known.columns.add(column)
  }

  /** What a later work has written. */
  take(later: Writes): void {
    for (const [name, write] of later.#writes) {
      const { table, row, columns } = write
      if (columns) this.change(table, row, columns)
      else this.#add(name, write)
    }
  }

  /** Tasks first, to which all else refers; rows that are put in before those that are changed. */
  send(statements: Statements): void {
    const all = [...this.#writes.values()]
    const whole = Map.groupBy(all.filter(isWhole), ({ table }) => table)
    const tasks = whole.get('tasks')
    if (tasks) putRows(statements, 'tasks', tasks)
    for (const [table, writes] of whole) if (writes !== tasks) putRows(statements, table, writes)
    for (const { table, row, columns } of all.filter((write) => !isWhole(write))) {
      const names = [...columns!]
      const { key } = sealingOf(table)
      void statements.run(update(table, names, key), [...names.map((name) => row[name]), row[key]])
    }
  }

  #add(name: string, write: Write): void {
    this.#writes.set(name, write)
    this.#tables.add(write.table)
  }
}

const isWhole = ({ table, columns }: Write) => !columns || sealingOf(table).whole !== undefined

function putRows(statements: Statements, table: SealedTable, writes: readonly Write[]): void {
  const { key, whole } = sealingOf(table)
  const columns = whole ?? Object.keys(writes[0]!.row)
  for (let from = 0; from < writes.length; from += rowsAtOnce) {
    const some = writes.slice(from, from + rowsAtOnce)
    void statements.run(
      whole ? replacement(table, columns, some.length, key) : insertion(table, columns, some.length),
      some.flatMap(({ row }) => columns.map((column) => row[column])),
    )
  }
}

const nameOf = (table: SealedTable, row: StoredRow) => `${table} ${String(row[sealingOf(table).key])}`

/** Calls `go` before each query. */
function before(go: () => void): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      go()
      return node
    },
    transformResult: async ({ result }) => result,
  }
}
