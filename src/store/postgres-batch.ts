/**
 * Prepared statements that go to a PostgreSQL server in one message and are answered in one: the server sends what it
 * has to say at each point of synchronization, and there is one behind them all (docs/decisions/0072). What the rows of
 * one look like is asked once, and known from then on (docs/decisions/0040).
 */
import pg from 'pg'
import { serialize } from 'pg-protocol'
import { blankRow, type StoredRow } from './statements.ts'

/** Bytes after which no more statements join: what is sent by then is answered by itself. */
const fullAtBytes = 64 * 1024

type Parse = (text: string) => unknown

/** How rows are made of what the server sends. */
interface Shape {
  names: readonly string[]
  parsers: readonly Parse[]
  /** All columns, in their order. */
  empty: StoredRow
}

/**
 * Shapes of one connection's prepared statements, by name. They cannot become stale: once a table has changed, the server
 * refuses the statement rather than answer it in another shape.
 */
export type Shapes = Map<string, Shape>

/** What the server has answered. */
export interface Answer {
  /** Such as `COMMIT`, or `INSERT 0 1`. */
  command: string
  rows: StoredRow[]
}

export interface Asked {
  sql: string
  /** What it is prepared under, if it is. */
  name: string | undefined
  values: (string | Buffer | null)[]
}

/** Of the driver's connection, what its types do not say: which names it has sent, and which the server knows. */
export interface Wire {
  stream: { writable: boolean; write(bytes: Buffer): void }
  parsedStatements: Record<string, string>
  submittedNamedStatements: Record<string, string>
}

interface Field {
  name: string
  dataTypeID: number
  format: 'text' | 'binary'
}

interface Waiting extends Asked {
  shape: Shape | undefined
  rows: StoredRow[]
  /** Why a row could not be read. */
  unread?: Error
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
}

// In pipeline mode the driver refuses custom classes that are not its own `Query`.
const Query = pg.Query as unknown as new (text: string) => { name?: string | undefined; text: string }

export class Batch extends Query {
  readonly #types: pg.CustomTypesConfig
  readonly #shapes: Shapes
  readonly #messages: Buffer[] = []
  readonly #statements: Waiting[] = []
  #bytes = 0
  /** The one that is answered next. */
  #at = 0

  constructor(types: pg.CustomTypesConfig, shapes: Shapes) {
    super('')
    this.#types = types
    this.#shapes = shapes
  }

  get isFull(): boolean {
    return this.#bytes >= fullAtBytes
  }

  /** Resolves once the server has run it. @throws the server’s error, also for each that was sent behind one it refused */
  add(asked: Asked, wire: Wire): Promise<Answer> {
    const { sql, name, values } = asked
    const shape = name === undefined ? undefined : this.#shapes.get(name)
    if (name === undefined || !isKnown(wire, name)) {
      this.#push(serialize.parse({ name: name ?? '', text: sql }))
      if (name !== undefined) wire.submittedNamedStatements[name] = sql
    }
    this.#push(serialize.bind({ statement: name ?? '', values }))
    if (!shape) this.#push(serialize.describe({ type: 'P' }))
    this.#push(serialize.execute())
    return new Promise((resolve, reject) => {
      this.#statements.push({ ...asked, shape, rows: [], resolve, reject })
    })
  }

  // What follows is called by the driver.

  submit({ stream }: Wire): null {
    this.#turnTo(0)
    this.#push(serialize.sync())
    if (stream.writable) stream.write(Buffer.concat(this.#messages, this.#bytes))
    return null
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#statements[this.#at]!.shape = {
      names: fields.map(({ name }) => name),
      parsers: fields.map(({ dataTypeID, format }) => this.#types.getTypeParser(dataTypeID, format) as Parse),
      empty: blankRow(fields.map(({ name }) => name)),
    }
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    const statement = this.#statements[this.#at]!
    try {
      statement.rows.push(rowOf(statement.shape!, fields))
    } catch (error) {
      // Thrown here it would end the process.
      statement.unread ??= error as Error
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const { name, shape = noRows, rows, unread, resolve, reject } = this.#statements[this.#at]!
    if (name !== undefined && !this.#shapes.has(name)) this.#shapes.set(name, shape)
    if (unread) reject(unread)
    else resolve({ command: text, rows })
    this.#turnTo(this.#at + 1)
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  handleError(error: Error, { parsedStatements, submittedNamedStatements }: Wire): void {
    for (const { name, reject } of this.#statements.splice(this.#at)) {
      // The server has not come to it.
      if (name !== undefined && parsedStatements[name] === undefined) delete submittedNamedStatements[name]
      reject(error)
    }
  }

  handleReadyForQuery(): void {
    // Each was told by itself.
  }

  /** At ParseComplete the driver notes `name` and `text` of its active query as prepared: they have to be those of the statement that is answered next. */
  #turnTo(at: number): void {
    this.#at = at
    const { name, sql } = this.#statements[at] ?? {}
    this.name = name
    this.text = sql ?? ''
  }

  #push(message: Buffer): void {
    this.#messages.push(message)
    this.#bytes += message.length
  }
}

const noRows: Shape = { names: [], parsers: [], empty: {} }

const isKnown = ({ parsedStatements, submittedNamedStatements }: Wire, name: string) =>
  parsedStatements[name] !== undefined || submittedNamedStatements[name] !== undefined

function rowOf({ names, parsers, empty }: Shape, fields: readonly (string | null)[]): StoredRow {
  const row = { ...empty }
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at]!
    if (field !== null) row[names[at]!] = parsers[at]!(field)
  }
  return row
}
