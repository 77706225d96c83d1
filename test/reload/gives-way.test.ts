/** While the ends that a reload brings are put on record, revoking goes on in a part of what it may take (docs/decisions/0066). */
import { expect, test } from 'vitest'
import { GiveWay } from '../../src/leases/give-way.ts'
import { reviewTasks } from '../../src/tasks/review.ts'
import { manualClock } from '../support/clock.ts'
import { startCore } from '../support/lease-core.ts'
import { ended, rules } from '../support/review.ts'
import { hour, noon } from '../support/store.ts'
import { until } from '../support/until.ts'

const count = 150
/** An eighth of what an upstream is sent at once to begin with. */
const part = 4

test('a few of those that ended first are revoked meanwhile, and the others as soon as all have ended', async () => {
  await using given = await startCore()
  await Promise.all(Array.from({ length: count }, () => given.minted()))
  const answer = Promise.withResolvers<void>()
  let [early, calls] = [0, 0]
  given.upstream.during = async () => {
    calls += 1
    if (given.revoker.giveWay.now) early += 1
    await answer.promise
  }
  const forbidding = rules(given, '@id("none") forbid (principal, action, resource);')
  const review = reviewTasks(given.context, () => forbidding)
  await until(async () => (await ended(given)).length === count)
  await until(() => !given.revoker.giveWay.now)
  expect(early).toBeGreaterThan(0)
  expect(early).toBeLessThanOrEqual(part)
  answer.resolve()
  await review
  expect(calls).toBe(count)
  expect(given.upstream.working()).toEqual([])
})

test('whoever else has something to revoke waits for few of them', async () => {
  await using given = await startCore()
  const crowd = await Promise.all(Array.from({ length: 100 }, () => given.minted()))
  const task = await given.open({ agent: 'other-bot', expiresAt: noon + hour })
  const { lease } = await given.mint(task)
  await given.revoker.giveWay.to(Infinity, async () => {
    for (const each of crowd) void given.revoker.revoke(each.lease)
    await given.revoker.revoke(lease)
    expect(given.upstream.calls.flat().indexOf(lease.id)).toBeLessThanOrEqual(2 * part)
  })
  await given.revoker.idle()
})

test('way is given to a work until it is over, and not for longer than it may be', async () => {
  const clock = manualClock(noon)
  const giveWay = new GiveWay(clock)
  const [short, long] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const works = [giveWay.to(noon + hour, () => short.promise), giveWay.to(noon + 1_000, () => long.promise)]
  expect(giveWay.now).toBe(true)
  short.resolve()
  await works[0]
  expect(giveWay.now).toBe(true)
  await clock.advance(1_000)
  expect(giveWay.now).toBe(false)
  long.resolve()
  await works[1]
})
