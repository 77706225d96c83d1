/** How often one may ask holds for all brokers of a store together. */
import { expect, it } from 'vitest'
import { Limits } from '../../src/http/limits.ts'
import { Tally } from '../../src/http/tally.ts'
import { manualClock } from '../support/clock.ts'

const settings = {
  requestsPerMinute: { agent: 20, address: 20 },
  failuresPerMinute: { address: 20 },
  trustedProxies: [],
}

/** Brokers that have heard of each other what each told last. */
function several(count: number) {
  const clock = manualClock()
  const told: ReturnType<Tally['asked']>[] = []
  const tallies = Array.from(
    { length: count },
    (_, own) => new Tally(clock, () => told.filter((_told, at) => at !== own)),
  )
  const limits = tallies.map((tally) => new Limits(settings, tally))
  return { clock, limits, tell: () => tallies.forEach((tally, at) => (told[at] = tally.asked())) }
}

async function ask(limits: Limits, times: number): Promise<number> {
  let admitted = 0
  for (let n = 0; n < times; n += 1) if (!(await limits.request('192.0.2.1'))) admitted += 1
  return admitted
}

it('what was asked of the others counts, once they have told', async () => {
  const { limits, tell } = several(3)
  const [first, second, third] = limits as [Limits, Limits, Limits]
  expect(await ask(first, 12)).toBe(12)
  tell()
  expect(await ask(second, 12)).toBe(8)
  tell()
  expect(await ask(third, 12)).toBe(0)
  // Another address, and another limit, have theirs.
  expect(await third.request('192.0.2.2')).toBeUndefined()
  await third.admitAgent({ agent: 'bot' })
})

it('only for as long as it counts there', async () => {
  const { clock, limits, tell } = several(2)
  const [first, second] = limits as [Limits, Limits]
  expect(await ask(first, 20)).toBe(20)
  tell()
  expect(await ask(second, 1)).toBe(0)
  await clock.advance(60_001)
  expect(await ask(second, 1)).toBe(1)
})

it('failures elsewhere make checks wait for each other here', async () => {
  const { limits, tell } = several(2)
  const [first, second] = limits as [Limits, Limits]
  for (let n = 0; n < 20; n += 1) await first.failed('192.0.2.1')
  tell()
  let busy = 0
  let most = 0
  const check = async () => {
    most = Math.max(most, (busy += 1))
    await new Promise((resolve) => setImmediate(resolve))
    busy -= 1
  }
  await Promise.all(Array.from({ length: 12 }, () => second.check('192.0.2.1', check)))
  expect(most).toBe(4)
})

it('a broker by itself counts as it did', async () => {
  const { limits } = several(1)
  expect(await ask(limits[0]!, 25)).toBe(20)
})
