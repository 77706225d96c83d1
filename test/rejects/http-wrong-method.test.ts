import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()

test.each([
  ['DELETE', '/v1/tasks', /POST/],
  ['PUT', `/v1/tasks/${task.id}`, /GET/],
  ['GET', `/v1/tasks/${task.id}/credentials`, /POST/],
  ['GET', `/v1/tasks/${task.id}/complete`, /POST/],
  ['GET', '/v1/admin/revocations', /POST/],
  ['POST', '/healthz', /GET/],
])('%s %s is not a method of it, and the answer names those that are', async (method, path, allowed) => {
  const answer = await broker.call(method, path, { token: task.task_token })
  expectRefusal(answer, 405, 'invalid_request')
  expect(answer.headers.get('Allow')).toMatch(allowed)
})

test('a GET completes nothing', async () => {
  expect((await broker.read(task)).body.status).toBe('active')
})
