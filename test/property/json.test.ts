import fc from 'fast-check'
import { parse, visit } from 'jsonc-parser'
import { expect, test } from 'vitest'
import { parseJson } from '../../src/base/json.ts'

/** JSON text in which members repeat, and are written with escapes, at any level. */
const { text } = fc.letrec<{ text: string; member: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.json({ depthSize: 'small' }), fc.constantFrom('":"', '"\\":\\""', '"a\\\\"', '-0', '1.5e3')),
    fc.array(tie('text'), { maxLength: 4 }).map((items) => `[${items.join(' , ')}]`),
    fc.array(tie('member'), { maxLength: 4 }).map((members) => `{ ${members.join()} }`),
  ),
  member: fc
    .tuple(fc.constantFrom('"a"', '"\\u0061"', '"b:"', '"\\\\"', '"\\""', '""', '"__proto__"'), tie('text'))
    .map(([name, value]) => `${name} : ${value}`),
}))

test('a text is refused exactly where a reader of each member finds one twice, __proto__, or too many levels', () => {
  fc.assert(
    fc.property(text, (written) => {
      const expected = faultFound(written)
      let refused: string | undefined
      try {
        expect(parseJson(written)).toEqual(parse(written))
      } catch (error) {
        refused = (error as Error).message
      }

      expect(refused !== undefined).toBe(expected)
    }),
    { numRuns: 3_000 },
  )
})

function faultFound(written: string): boolean {
  const open: Set<string>[] = []
  let found = false
  const enter = () => {
    const depth = open.push(new Set())
    found ||= depth > 16
  }
  const leave = () => void open.pop()
  visit(written, {
    onObjectBegin: enter,
    onObjectEnd: leave,
    onArrayBegin: enter,
    onArrayEnd: leave,
    onLiteralValue: (value) => void (found ||= typeof value === 'string' && !value.isWellFormed()),
    onObjectProperty(name) {
      found ||= name === '__proto__' || open.at(-1)!.has(name) || !name.isWellFormed()
      open.at(-1)!.add(name)
    },
  })
  return found
}

test('an escaped name is read as what it says, whatever was read before', () => {
  parseJson('[{"a":1,"\\\\":2}]')
  expect(parseJson('{"a":1,"\\u0062":2}')).toEqual({ a: 1, b: 2 })
})
