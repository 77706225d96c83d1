/** A timer may fire just before the moment that it was set for, and the clock moves on while the reaper reads. */
import { expect, test } from 'vitest'
import type { LeadingClock } from '../../src/base/clock.ts'
import { manualClock } from '../support/clock.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const base = manualClock()
let ahead = 0
let creeping = false
/** Its timers are a millisecond early, and while it creeps no two readings of it are the same. */
const clock: LeadingClock = {
  now: () => base.now() + (creeping ? ahead++ : ahead),
  idle: base.idle,
  after: (ms, fn) => base.after(Math.max(0, ms - 1), fn),
  notBefore: base.notBefore,
}
const broker = await sharedBroker({ clock })

test('no deadline falls between two readings of the clock', async () => {
  const { body: task } = await broker.open({ ttl: 60 })
  await broker.mint(task)
  creeping = true
  await base.advance(59_999)
  await until(async () => {
    await base.advance(0)
    return broker.sandbox.ledger.entries[0]!.revokedAt
  }, 3_000)
  creeping = false
  expect(broker.sandbox.ledger.alive(clock.now())).toEqual([])
})
