import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const [narrow, wide] = ['read', 'write'].map(
  (level) => `{"type":"github","repositories":["acme/web"],"permissions":{"contents":"${level}"}}`,
)

// RFC 8259 §4: which of the two counts is left open, so a gateway may have checked the other.
test.each([
  `{"purpose":"a test","authorization_details":[${narrow}],"authorization_details":[${wide}]}`,
  `{"purpose":"a test","authorization_details":[${narrow}],"authorization_detail\\u0073":[${wide}]}`,
  `{"purpose":"a test","authorization_details":[{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read","contents":"write"}}]}`,
])('a member given twice is refused: %s', async (body) => {
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body }),
    400,
    'invalid_request',
  )
})
