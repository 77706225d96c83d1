import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('a completed task gives no credential', async () => {
  const { body: task } = await broker.open()
  await broker.complete(task)
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  expect(broker.sandbox.ledger.entries).toEqual([])
  expect(rows(broker, 'leases')).toEqual([])
})

test('nor does a revoked one', async () => {
  const { body: task } = await broker.open()
  await broker.revoke({ task: task.id })
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  expect(broker.sandbox.ledger.entries).toEqual([])
})
