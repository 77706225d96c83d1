import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Hmac } from '../../src/base/hmac.ts'

const key = fc.uint8Array({ maxLength: 64 })
/** Of each length in bytes, and beyond what most texts have. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.nat({ max: 6_000 }).map((length) => '\u20AC'.repeat(length)),
)

test('the MAC of any text under any key is the one that Node makes, whatever was made before', () => {
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (secret, texts) => {
      const hmac = new Hmac(secret)
      for (const each of texts)
        expect(hmac.of(each)).toBe(createHmac('sha256', secret).update(each).digest('base64url'))
    }),
    { numRuns: 500 },
  )
})

test('a key that would have to be hashed first is refused', () => {
  expect(() => new Hmac(new Uint8Array(65))).toThrow(RangeError)
})
