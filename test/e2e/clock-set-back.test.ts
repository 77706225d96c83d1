/** The wall clock shows less at a start than when the last broker stopped. */
import { beforeEach, expect, test } from 'vitest'
import { wallClock } from '../support/clock.ts'
import { beside } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until, untilNow } from '../support/until.ts'

const hour = 3_600_000
const { clock, timers, set } = wallClock()
const broker = await sharedBroker({ clock })
const { ledger } = broker.sandbox

/** Stops the broker, sets the clock back an hour, does `work`, and starts it. Returns by how much time it moved on meanwhile. */
async function restartAnHourEarlier(work: () => void = () => undefined): Promise<number> {
  await broker.stop()
  broker.log.length = 0
  work()
  const stopped = clock.now()
  set(-hour)
  await broker.start()
  return clock.now() - stopped
}
const said = () => broker.log.some((line) => line.includes('the clock shows less than the record does'))

beforeEach(async () => void (await broker.revoke({ all: true })))

test('an open task goes on from where it was, and lives not a minute longer (I3)', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  await broker.mint(task)
  expect(await restartAnHourEarlier()).toBe(0)
  expect(said()).toBe(true)
  await timers.advance(600_000)
  await untilNow(timers, () => ledger.alive(clock.now()).length === 0)
  // Upstream is told before the end is on record.
  await untilNow(timers, async () => (await broker.read(task)).body.status !== 'active')
  expect((await broker.read(task)).body).toMatchObject({ status: 'expired', end_reason: 'deadline' })
})

test('so does a lease that is still to be revoked', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  await broker.mint(task)
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 500 })
  await broker.complete(task)
  expect(await restartAnHourEarlier()).toBe(0)
  outage.clear()
  await until(async () => {
    await timers.advance(100)
    return ledger.alive(clock.now()).length === 0
  })
})

test('with nothing open the clock counts, and fresh tokens are accepted', async () => {
  expect(await restartAnHourEarlier()).toBe(-hour)
  expect(said()).toBe(false)
  expect((await broker.open()).status).toBe(201)
})

test('an event that somebody altered does not set the clock', async () => {
  await broker.open({ ttl: 600 })
  const moved = await restartAnHourEarlier(() =>
    beside(broker, (db) =>
      db.exec('update audit_events set at = 9e15 where seq = (select max(seq) from audit_events)'),
    ),
  )
  expect(moved).toBe(-hour)
  expect((await broker.open()).status).toBe(201)
})
