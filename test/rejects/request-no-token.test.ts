import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()

test.each([
  ['POST', '/v1/tasks', { purpose: 'a test', authorization_details: [writeWeb] }],
  ['GET', `/v1/tasks/${task.id}`, undefined],
  ['POST', `/v1/tasks/${task.id}/credentials`, { authorization_detail: writeWeb }],
  ['POST', `/v1/tasks/${task.id}/complete`, undefined],
  ['POST', '/v1/admin/revocations', { selector: { all: true }, reason: 'a test' }],
])('%s %s without a token is refused', async (method, path, body) => {
  const answer = await broker.call(method, path, { body })
  expectRefusal(answer, 401, 'invalid_token')
  // RFC 6750 §3.1: whoever brought nothing is told the scheme, and no error.
  expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer')
})
