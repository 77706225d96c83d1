import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// A form can be sent from a page on another site without being asked first; JSON cannot.
test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  'application/jsonx',
  'application/json, text/plain',
])('a body of type %s is refused', async (type) => {
  const token = await broker.workload()
  const options = { token, headers: { 'Content-Type': type }, body: '{"purpose":"a test"}' }
  expectRefusal(await broker.call('POST', '/v1/tasks', options), 415, 'invalid_request')
})

test('a body of no type is refused', async () => {
  const options = { token: await broker.workload(), headers: { 'Content-Type': '' }, body: '{}' }
  expectRefusal(await broker.call('POST', '/v1/tasks', options), 415, 'invalid_request')
})
