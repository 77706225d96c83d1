/**
 * Rows as they are found. SQLite keeps any value in any column, and whoever can
 * write the file may have put it there: one spoilt row must neither stop the
 * others nor pass for sound.
 */
import type { ZodType } from 'zod'
import { deepFreeze } from '../base/freeze.ts'

/** The latest moment that a `Date` can be (ECMA-262, Time Values), milliseconds since 1970. */
const latest = 8.64e15

/** Reads one row column by column, and notes each that holds something else than it should. */
export class Columns<Row extends object> {
  readonly #row: Row
  readonly #spoilt: string[]

  /** `spoilt`: what is known to be wrong with it as a whole. */
  constructor(row: Row, spoilt: readonly string[] = []) {
    this.#row = row
    this.#spoilt = [...spoilt]
  }

  /** What is wrong with the columns read so far, or undefined. */
  get damage(): string | undefined {
    return this.#spoilt.length === 0 ? undefined : this.#spoilt.join(', ')
  }

  text(column: keyof Row): string {
    return this.#take(column, isText, '', 'no text')
  }

  optionalText(column: keyof Row): string | null {
    return this.#row[column] === null ? null : this.#take(column, isText, null, 'no text')
  }

  /** Milliseconds since 1970; 1970 itself in place of what is no time. */
  time(column: keyof Row): number {
    return this.#take(column, isTime, 0, 'no time')
  }

  optionalTime(column: keyof Row): number | null {
    return this.#row[column] === null ? null : this.#take(column, isTime, null, 'no time')
  }

  count(column: keyof Row): number {
    return this.#take(column, isCount, 0, 'no count')
  }

  oneOf<const Value extends string>(column: keyof Row, values: readonly Value[], instead: Value): Value {
    const known = (value: unknown): value is Value => values.includes(value as Value)
    return this.#take(column, known, instead, 'no state that there is')
  }

  /** `instead` for what is not JSON of this shape. */
  json<Value>(column: keyof Row, shape: ZodType<Value>, instead: Value): Value {
    const text: unknown = this.#row[column]
    const known = typeof text === 'string' ? parsedAs(shape).get(text) : undefined
    if (known !== undefined) return known as Value
    const parsed = parse(text)
    // As parsed, not as the shape gives it back: that might leave members out.
    if (parsed === undefined || !shape.safeParse(parsed).success)
      return this.#spoil(column, 'no such JSON', instead)
    if (typeof text === 'string' && text.length <= longestKept) keep(parsedAs(shape), text, parsed)
    return parsed as Value
  }

  #take<Value, Instead>(
    column: keyof Row,
    is: (value: unknown) => value is Value,
    instead: Instead,
    lack: string,
  ): Value | Instead {
    const value: unknown = this.#row[column]
    return is(value) ? value : this.#spoil(column, lack, instead)
  }

  #spoil<Instead>(column: keyof Row, lack: string, instead: Instead): Instead {
    this.#spoilt.push(`${String(column)} holds ${lack}`)
    return instead
  }
}

/** Whether a row's state, which may be anything, is one of these. */
export function isAmong(states: readonly string[], state: unknown): boolean {
  return states.includes(state as string)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= latest
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** JSON that is kept as parsed, and the longest of it in characters: a task's is read with each of its requests (docs/decisions/0065). */
const [mostKept, longestKept] = [1_000, 4_096]

const parsedBy = new WeakMap<ZodType, Map<string, unknown>>()

function parsedAs(shape: ZodType): Map<string, unknown> {
  let parsed = parsedBy.get(shape)
  if (!parsed) parsedBy.set(shape, (parsed = new Map<string, unknown>()))
  return parsed
}

/** Frozen: whoever reads the same text is given the same value. */
function keep(parsed: Map<string, unknown>, text: string, value: unknown): void {
  if (parsed.size >= mostKept) parsed.clear()
  parsed.set(text, deepFreeze(value))
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}
