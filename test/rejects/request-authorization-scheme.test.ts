import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const token = await broker.workload()

test.each([
  ['Basic', `Basic ${btoa(`x-access-token:${token}`)}`],
  ['token', `token ${token}`],
  ['DPoP', `DPoP ${token}`],
  ['none', token],
  ['Bearer without a token', 'Bearer'],
  ['Bearer with two tokens', `Bearer ${token} ${token}`],
  ['two schemes in one header', `Bearer ${token}, Basic eDp5`],
])('the scheme %s is refused', async (_scheme, authorization) => {
  const body = { purpose: 'a test', authorization_details: [writeWeb] }
  const headers = { Authorization: authorization }
  expectRefusal(await broker.call('POST', '/v1/tasks', { headers, body }), 401, 'invalid_token')
})
