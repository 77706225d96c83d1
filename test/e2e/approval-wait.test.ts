/** A task that waits for a human's yes. */
import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })
const infra = { ...writeWeb, repositories: ['acme/infra'] }

test('a task that needs an approval waits for it, and mints nothing meanwhile', async () => {
  const { status, body: task } = await broker.open({ authorization_details: [infra] })
  expect(status).toBe(202)
  expect(task).toMatchObject({
    status: 'pending_approval',
    expires_at: new Date(clock.now() + 3_600_000).toISOString(),
    approvals: [{ group: 'security', status: 'pending', digest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    task_token: expect.stringMatching(/^mft_/),
  })
  expectRefusal(await broker.mint(task, infra), 409, 'task_not_active')
  expect(broker.sandbox.ledger.entries).toHaveLength(0)
})

test('a wait that is given up ends the task', async () => {
  const { body: task } = await broker.open({ authorization_details: [infra] })
  const { status, body } = await broker.complete(task)
  expect(status).toBe(200)
  expect(body).toMatchObject({
    status: 'completed',
    end_reason: 'completed',
    approvals: [{ status: 'expired' }],
  })
})

test('a wait that nobody answers is over after the approval window', async () => {
  const { body: task } = await broker.open({ authorization_details: [infra] })
  await clock.advance(3_599_999)
  expect((await broker.read(task)).body.status).toBe('pending_approval')
  await clock.advance(1)
  await expect
    .poll(async () => (await broker.read(task)).body)
    .toMatchObject({
      status: 'expired',
      end_reason: 'approval_expired',
      approvals: [{ status: 'expired' }],
    })
})

test('the ttl runs from the approval on: what is asked is kept, and is not yet a deadline', async () => {
  const { body: task } = await broker.open({ authorization_details: [infra], ttl: 60 })
  await clock.advance(120_000)
  expect((await broker.read(task)).body).toMatchObject({ status: 'pending_approval', ttl: 60 })
})
