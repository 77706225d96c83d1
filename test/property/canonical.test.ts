import reference from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalize } from '../../src/base/canonical.ts'

/** Names that an engine keeps in an order of its own, that differ late, and that sort otherwise by code point. */
const name = fc.oneof(
  fc.constantFrom(
    '10',
    '9',
    '-1',
    '01',
    'a',
    'A',
    'aa',
    '',
    '__proto__',
    'toString',
    '\uFFFD',
    '\u{1F600}',
    '\r',
    '"',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.constantFrom(0, -0, 1e21, 1e-7, 5e-324, Number.MAX_VALUE, 123_456_789_012, true, false, null),
      fc.date({ noInvalidDate: true }),
      // Members without a value are left out, and in a list it is null.
      fc.constant(undefined),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 6, noNullPrototype: false }),
  ),
}))

test('the canonical JSON of a value is what the reference of RFC 8785 makes of it, or there is none', () => {
  fc.assert(
    fc.property(
      value.filter((each) => each !== undefined),
      (given) => {
        expect(of(given, canonicalize)).toEqual(of(given, reference))
      },
    ),
    { numRuns: 3_000 },
  )
})

/** What was made of it, or that nothing was. */
function of(given: unknown, make: (value: unknown) => string | undefined): { text?: string | undefined } {
  try {
    return { text: make(given) }
  } catch {
    return {}
  }
}
