/** The wall clock is set while the broker runs; its timers count on as before. */
import { expect, test } from 'vitest'
import { wallClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'

const { clock, timers, set } = wallClock()
const broker = await sharedBroker({ clock })
const { ledger } = broker.sandbox

test('set forward past a deadline: nothing is granted from then on, and what is out is dead within five seconds', async () => {
  const { body: task } = await broker.open({ ttl: 1200 })
  await broker.mint(task)
  set(1_800_000)
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  await timers.advance(5_000)
  await untilNow(timers, () => ledger.alive(clock.now()).length === 0)
  expect(ledger.entries[0]!.revokedAt).toBeDefined()
  expect((await broker.read(task)).body).toMatchObject({ status: 'expired', end_reason: 'deadline' })
})

test('a suspension of the machine at the last moment before a deadline delays its end by five seconds at most', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  await broker.mint(task)
  await timers.advance(599_000)
  set(300_000)
  await timers.advance(1_000)
  await untilNow(timers, () => ledger.alive(clock.now()).length === 0)
})
