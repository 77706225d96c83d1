/** JSON from outside, without what two readers could read differently (docs/decisions/0062). */
import { visit } from 'jsonc-parser'

/** Levels of objects and arrays: what later walks the value does so recursively. */
const depthLimit = 16

/** What is wrong with the text, in words that go after its name: `is not JSON`. */
export class JsonFault extends Error {}

/**
 * Parses JSON text. RFC 8259 §4 leaves open which of two equal names counts, so
 * its writer may have meant the other one; `__proto__` is a member to JSON.parse
 * and a prototype to what copies it. A lone surrogate has no UTF-8, so it would be
 * stored as something else than what was signed or decided (RFC 8785 §3.2.2.2).
 *
 * `number` makes a value of a number as it is written; without it, JavaScript's own.
 *
 * @throws JsonFault
 */
export function parseJson(text: string, number?: (source: string) => unknown): unknown {
  let value: unknown
  try {
    value = JSON.parse(text, number && asWritten(number))
  } catch {
    throw new JsonFault('is not JSON')
  }
  // V8 13.6 reads the name "\u0061" as "\" once it has seen that one after the same other members.
  if (text.includes('\\')) return readEach(text, number ?? Number)
  // Where two members have one name, the value has fewer of them than the text.
  if (membersOf(value, 0) < outsideStrings(text).split(':').length - 1) throw twice()
  return value
}

/** What the JSON `text`, which has no escapes, holds apart from its strings, names among them. */
export function outsideStrings(text: string): string {
  return text.replaceAll(/"[^"]*"/g, '')
}

/** With the text that a value was read from (ECMA-262, JSON.parse). */
type Reviver = (name: string, value: unknown, context?: { source?: string }) => unknown

function asWritten(number: (source: string) => unknown): Reviver {
  return (_name, value, { source } = {}) =>
    typeof value === 'number' && source !== undefined ? number(source) : value
}

/** How many members the value has, at all its levels. @throws JsonFault for what must be in no value. */
function membersOf(value: unknown, depth: number): number {
  if (typeof value === 'string') requireText(value)
  if (typeof value !== 'object' || value === null) return 0
  if (depth === depthLimit) throw tooDeep()
  let members = 0
  if (Array.isArray(value)) for (const each of value) members += membersOf(each, depth + 1)
  else
    for (const [name, each] of Object.entries(value)) {
      requireText(name)
      if (name === '__proto__') throw prototype()
      members += 1 + membersOf(each, depth + 1)
    }
  return members
}

/** Reads JSON text member by member. @throws JsonFault */
function readEach(text: string, number: (source: string) => unknown): unknown {
  const open: { value: unknown[] | Record<string, unknown>; name: string }[] = []
  let whole: unknown
  const put = (value: unknown) => {
    const into = open.at(-1)
    if (!into) whole = value
    else if (Array.isArray(into.value)) into.value.push(value)
    else into.value[into.name] = value
  }
  const enter = (value: unknown[] | Record<string, unknown>) => {
    put(value)
    if (open.push({ value, name: '' }) > depthLimit) throw tooDeep()
  }
  const leave = () => void open.pop()
  visit(text, {
    onObjectBegin: () => enter({}),
    onObjectEnd: leave,
    onArrayBegin: () => enter([]),
    onArrayEnd: leave,
    onLiteralValue(value: unknown, offset, length) {
      if (typeof value === 'string') requireText(value)
      put(typeof value === 'number' ? number(text.slice(offset, offset + length)) : value)
    },
    onObjectProperty(name) {
      requireText(name)
      const into = open.at(-1)!
      if (name === '__proto__') throw prototype()
      if (Object.hasOwn(into.value, name)) throw twice()
      into.name = name
    },
  })
  return whole
}

const twice = () => new JsonFault('has the same member twice')
const tooDeep = () => new JsonFault('is nested too deeply')
const prototype = () => new JsonFault('has a member __proto__')

function requireText(text: string): void {
  if (!text.isWellFormed()) throw new JsonFault('has a string that is not Unicode text')
}
