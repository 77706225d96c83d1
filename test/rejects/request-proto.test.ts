import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const detail = '{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read"}}'

test.each([
  `{"purpose":"a test","authorization_details":[${detail}],"__proto__":{"ttl":60}}`,
  `{"purpose":"a test","authorization_details":[${detail}],"context":{"__proto__":"x"}}`,
  `{"purpose":"a test","authorization_details":[${detail}],"context":{"\\u005f_proto__":"x"}}`,
  `{"purpose":"a test","authorization_details":[{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read","__proto__":{}}}]}`,
  `{"__proto__":{"purpose":"a test","authorization_details":[${detail}]}}`,
])('a member __proto__ is refused, never dropped: %s', async (body) => {
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body }),
    400,
    'invalid_request',
  )
  expect({}).not.toHaveProperty('ttl')
})

test('other names that objects inherit are names like any other', async () => {
  const { status, body } = await broker.open({ context: { constructor: 'a', toString: 'b' } })
  expect(status).toBe(201)
  expect(body.context).toEqual({ constructor: 'a', toString: 'b' })
})
