import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoff } from '../../src/leases/backoff.ts'

const attempts = fc.integer({ min: 1, max: 1_000_000 })
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

it('waits at least a quarter of a second and at most ten seconds by itself', () => {
  fc.assert(
    fc.property(attempts, random, (n, at) => {
      const wait = backoff(n, undefined, () => at)
      expect(wait).toBeGreaterThanOrEqual(250)
      expect(wait).toBeLessThanOrEqual(10_000)
      expect(Number.isInteger(wait)).toBe(true)
    }),
  )
})

it('doubles with each failure, between half and the whole of its step', () => {
  const least = (n: number) => backoff(n, undefined, () => 0)
  const most = (n: number) => backoff(n, undefined, () => 1 - Number.EPSILON)
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(least)).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000, 5000])
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(most)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000])
})

it('waits as long as upstream asks, but for no more than a minute (I4)', () => {
  fc.assert(
    fc.property(attempts, fc.double({ min: 0, max: 1e12, noNaN: true }), random, (n, seconds, at) => {
      const alone = backoff(n, undefined, () => at)
      expect(backoff(n, seconds, () => at)).toBe(Math.max(alone, Math.min(60_000, Math.ceil(seconds * 1000))))
    }),
  )
})

it('is not led astray by a Retry-After that is none', () => {
  for (const odd of [Number.NaN, -5, Number.NEGATIVE_INFINITY]) expect(backoff(1, odd, () => 0)).toBe(250)
  expect(backoff(1, Infinity, () => 0)).toBe(60_000)
})
