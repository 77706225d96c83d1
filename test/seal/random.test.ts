/** Random bytes that are drawn many at a time: each of them is given to one alone. */
import { expect, it } from 'vitest'
import { pooledRandomBytes } from '../../src/base/random.ts'

it('gives nobody what another was given, however often it draws anew', () => {
  const given = Array.from({ length: 2_000 }, (_, n) => pooledRandomBytes(n % 2 === 0 ? 12 : 32))
  expect(given.map(({ length }) => length)).toEqual(given.map((_, n) => (n % 2 === 0 ? 12 : 32)))
  expect(new Set(given.map((bytes) => bytes.toString('hex'))).size).toBe(given.length)
})

it('gives bytes of their own: what becomes of some changes no others', () => {
  const [first, second] = [pooledRandomBytes(16), pooledRandomBytes(16)]
  const before = second.toString('hex')
  first.fill(0)
  expect(second.toString('hex')).toBe(before)
  expect(pooledRandomBytes(16).equals(Buffer.alloc(16))).toBe(false)
})
