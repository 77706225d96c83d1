import { expect, test } from 'vitest'
import { refuseWrites } from '../support/database.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })

test('a task past its deadline gives no credential, even when nobody could record its end', async () => {
  const { body: task } = await broker.open({ ttl: 60 })
  const healed = refuseWrites(broker, 'update on tasks')
  await clock.advance(60_000)
  expect((await broker.read(task)).body.status).toBe('active')
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  expect(broker.sandbox.ledger.entries).toEqual([])
  healed()
})
