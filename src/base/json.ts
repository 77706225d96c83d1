/** JSON from outside, without what two readers could read differently. */
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
 * @throws JsonFault
 */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new JsonFault('is not JSON')
  }
  const open: Set<string>[] = []
  const enter = () => {
    if (open.push(new Set()) > depthLimit) throw new JsonFault('is nested too deeply')
  }
  const leave = () => void open.pop()
  visit(text, {
    onObjectBegin: enter,
    onObjectEnd: leave,
    onArrayBegin: enter,
    onArrayEnd: leave,
    onLiteralValue: requireText,
    onObjectProperty(property) {
      requireText(property)
      const names = open.at(-1)
      if (property === '__proto__') throw new JsonFault('has a member __proto__')
      if (names?.has(property)) throw new JsonFault('has the same member twice')
      names?.add(property)
    },
  })
  return value
}

function requireText(value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw new JsonFault('has a string that is not Unicode text')
}
