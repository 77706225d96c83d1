import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoTime } from '../../src/base/iso-time.ts'

/** The latest moment that a `Date` can be, milliseconds since 1970 (ECMA-262). */
const latest = 8.64e15

test('is what Date writes, whatever the time, and whichever day was written before', () => {
  const time = fc.oneof(
    fc.integer({ min: -latest, max: latest }),
    fc.integer({ min: 0, max: 4e12 }),
    fc.double({ min: -latest, max: latest, noNaN: true }),
    fc.constantFrom(0, -1, -0, 86_399_999, 86_400_000, latest, -latest, 253_402_300_800_000),
  )
  fc.assert(
    fc.property(fc.array(time, { minLength: 2 }), (times) => {
      for (const at of times) expect(isoTime(at)).toBe(new Date(at).toISOString())
    }),
  )
})

test.each([Number.NaN, Infinity, latest + 1])('refuses %d', (at) => {
  isoTime(0)
  expect(() => isoTime(at)).toThrow(RangeError)
})
