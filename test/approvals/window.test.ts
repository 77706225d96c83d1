/** The time within which a yes must come. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { answer, ask, infra, needing } from '../support/approvals.ts'

const clock = manualClock()
const { settings, files } = needing('security')
const broker = await describedBroker({
  clock,
  settings: { ...settings, limits: { approval_window: 120 } },
  files,
})

test('a yes at the last moment starts the whole ttl', async () => {
  const task = await ask(broker, { ttl: 60 })
  expect(Date.parse(task.expires_at)).toBe(clock.now() + 120_000)
  await clock.advance(119_999)
  const { body } = await answer(broker, 'approve', task.approvals[0])
  expect(body).toMatchObject({ status: 'active', expires_at: new Date(clock.now() + 60_000).toISOString() })
  await clock.advance(59_999)
  expect((await broker.mint(task, infra)).status).toBe(201)
  await clock.advance(1)
  await expect.poll(async () => (await broker.read(task)).body.end_reason).toBe('deadline')
})

test('a yes too late is a conflict, before and after the reaper has come by', async () => {
  const task = await ask(broker)
  await clock.advance(120_000)
  for (let count = 0; count < 2; count += 1) {
    expectRefusal(await answer(broker, 'approve', task.approvals[0]), 409, 'conflict')
    await expect.poll(async () => (await broker.read(task)).body.status).toBe('expired')
  }
  expect((await broker.read(task)).body).toMatchObject({
    end_reason: 'approval_expired',
    approvals: [{ status: 'expired' }],
  })
})

test('a yes at the very end of the window is too late too', async () => {
  const task = await ask(broker)
  // Its timer has not run: the broker must look at the clock, not rely on the reaper.
  await broker.stop()
  await clock.advance(120_000)
  await broker.start()
  expectRefusal(await answer(broker, 'approve', task.approvals[0]), 409, 'conflict')
})
