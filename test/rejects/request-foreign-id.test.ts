import { expect, test } from 'vitest'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()
const { body: minted } = await broker.mint(task)
const headers = ['Authorization', `Bearer ${task.task_token}`]

const ids = [
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e',
  'task_',
  "task_'%20or%20'1'='1",
  '%00',
  '%ff',
  '*',
  task.id.toUpperCase(),
  `${task.id}%20`,
  'x'.repeat(100),
]

// Raw, since `fetch` would tidy the path before sending it.
test.each(ids)('no task has the id %s', async (id) => {
  expectRefusal(await raw(broker.url, { headers, path: `/v1/tasks/${id}` }), 404, 'not_found')
})

test.each(ids)('no lease has the id %s', async (id) => {
  const path = `/v1/tasks/${task.id}/leases/${id}/revoke`
  expectRefusal(await raw(broker.url, { method: 'POST', headers, path }), 404, 'not_found')
})

test('an id longer than any of ours is refused before anything is looked up', async () => {
  const long = 'x'.repeat(8_000)
  expectRefusal(await raw(broker.url, { headers, path: `/v1/tasks/${long}` }), 404, 'not_found')
  const path = `/v1/tasks/${task.id}/leases/${long}/revoke`
  expectRefusal(await raw(broker.url, { method: 'POST', headers, path }), 400, 'invalid_request')
})

test('nothing was done to the task or its lease', async () => {
  expect((await broker.read(task)).body).toMatchObject({ status: 'active', leases: [{ status: 'active' }] })
  expect(await broker.use(minted.credential.token)).toBe(200)
})
