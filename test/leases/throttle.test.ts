/** How many calls an upstream is sent at once follows how it answers (docs/decisions/0038). */
import { expect, it } from 'vitest'
import { Throttle } from '../../src/leases/throttle.ts'
import { manualClock } from '../support/clock.ts'
import { noon } from '../support/store.ts'

/** A round of as many calls as the throttle has room for, all answered after `ms`; of time, this process has so much for nothing. */
function rounds(most = 1000, idle = 1) {
  const clock = manualClock(noon)
  const throttle = new Throttle({ ...clock, idle: () => (clock.now() - noon) * idle }, most)
  return {
    throttle,
    async round(ms: number, failed = false, kind = 'end') {
      const ends: (() => void)[] = []
      const calls = Array.from({ length: throttle.limit }, () =>
        throttle.run(
          kind,
          () => new Promise<void>((end) => ends.push(end)),
          () => failed,
        ),
      )
      await clock.advance(ms)
      for (const end of ends) end()
      await Promise.all(calls)
    },
  }
}

it('it grows while upstream answers in time, up to what is configured', async () => {
  const { throttle, round } = rounds(60)
  expect(throttle.limit).toBe(32)
  await round(20)
  expect(throttle.limit).toBeGreaterThan(32)
  for (let n = 0; n < 40; n += 1) await round(20)
  expect(throttle.limit).toBe(60)
})

it('a whole round that fails halves it once, and never to nothing', async () => {
  const { throttle, round } = rounds()
  await round(20, true)
  expect(throttle.limit).toBe(16)
  for (let n = 0; n < 10; n += 1) await round(20, true)
  expect(throttle.limit).toBe(4)
})

it('it shrinks when answers take more than twice as long as the quickest', async () => {
  const { throttle, round } = rounds()
  await round(20)
  const before = throttle.limit
  await round(40)
  expect(throttle.limit).toBeGreaterThanOrEqual(before)
  const grown = throttle.limit
  await round(60)
  expect(throttle.limit).toBeLessThan(grown)
})

it('where less is configured than it begins with, that is the most', async () => {
  const { throttle, round } = rounds(2)
  for (let n = 0; n < 5; n += 1) await round(20)
  expect(throttle.limit).toBe(2)
  await round(20, true)
  expect(throttle.limit).toBe(2)
})

it('what takes long by its kind is not late', async () => {
  const { throttle, round } = rounds()
  await round(5, false, 'look')
  const before = throttle.limit
  for (let n = 0; n < 3; n += 1) await round(200)
  expect(throttle.limit).toBeGreaterThan(before)
})

it('answers that were there while this process was at work are not late', async () => {
  const { throttle, round } = rounds(1000, 0.25)
  await round(20)
  const before = throttle.limit
  await round(100)
  expect(throttle.limit).toBeGreaterThan(before)
})
