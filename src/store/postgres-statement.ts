/** A statement under way. What the rows of a prepared one look like is asked of the server once, and known from then on (docs/decisions/0040). */
import pg from 'pg'
import type { StoredRow } from './statements.ts'

/** How the driver makes rows of what the server sends. */
interface Shape {
  fields: unknown[]
  _parsers: unknown
  _prebuiltEmptyResultObject: unknown
}

/** By the names that statements are prepared under, of one connection. One whose table is changed is refused, not answered otherwise. */
export type Shapes = Map<string, Shape>

/** What the server has answered. */
export interface Answer {
  command: string
  rows: StoredRow[]
}

/** Of the driver's own query, what its types do not say. */
interface Driven {
  name?: string | undefined
  readonly _result: Shape & { command: string | null }
  _accumulateRows?: boolean
  prepare(connection: Wire): void
  handleReadyForQuery(connection: Wire): void
}
interface Wire {
  describe(portal: unknown): void
}

/** Several answers, where the text is several statements. */
export type Answered = (error: Error | null, answers: Answer | Answer[]) => void

const Query = pg.Query as unknown as new (
  sql: string,
  values: unknown[] | undefined,
  answered: Answered,
) => Driven

export class Statement extends Query {
  readonly #shapes: Shapes

  /** `name`: what it is prepared under, if it is. */
  constructor(
    { sql, name, values }: { sql: string; name?: string | undefined; values?: unknown[] | undefined },
    shapes: Shapes,
    answered: Answered,
  ) {
    // Given its parts: a configuration would be copied for each statement.
    super(sql, values, answered)
    this.name = name
    this.#shapes = shapes
  }

  override prepare(connection: Wire): void {
    const shape = this.name === undefined ? undefined : this.#shapes.get(this.name)
    if (!shape) return super.prepare(connection)
    Object.assign(this._result, shape)
    this._accumulateRows = true
    super.prepare(asksNoShape(connection))
  }

  override handleReadyForQuery(connection: Wire): void {
    const { command, fields, _parsers, _prebuiltEmptyResultObject } = this._result
    if (this.name !== undefined && command !== null && !this.#shapes.has(this.name))
      this.#shapes.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject })
    super.handleReadyForQuery(connection)
  }
}

const quiet = new WeakMap<Wire, Wire>()

/** The same connection, but that it asks for no description. */
function asksNoShape(connection: Wire): Wire {
  let known = quiet.get(connection)
  if (!known) {
    known = Object.assign(Object.create(connection) as Wire, { describe: () => undefined })
    quiet.set(connection, known)
  }
  return known
}
