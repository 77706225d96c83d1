import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('of many completions at once, one ends the task, and all are answered 200', async () => {
  const { body: task } = await broker.open()
  await Promise.all([broker.mint(task), broker.mint(task)])
  const answers = await Promise.all(Array.from({ length: 8 }, () => broker.complete(task)))
  for (const answer of answers) expect(answer).toMatchObject({ status: 200, body: { status: 'completed' } })
  const { body: after } = await broker.complete(task)
  expect(after.leases).toMatchObject([{ status: 'revoked' }, { status: 'revoked' }])

  const events = rows(broker, 'audit_events', `task = '${task.id}'`)
  expect(events.filter(({ type }) => type === 'task.ended')).toHaveLength(1)
  expect(events.filter(({ type }) => type === 'lease.revoked')).toHaveLength(2)
})

test('what has ended otherwise stays as it is', async () => {
  const { body: task } = await broker.open()
  await broker.revoke({ task: task.id })
  const { status, body } = await broker.complete(task)
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'revoked', end_reason: 'revoked' })
})
