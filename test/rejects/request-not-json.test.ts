import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  '',
  '{',
  'purpose=x',
  '{"purpose":"x",}',
  "{'purpose':'x'}",
  '{"ttl":NaN}',
  '{"ttl":0x10}',
  '// {}\n{}',
  '\u{feff}{',
])('a body that is no JSON is refused: %j', async (body) => {
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body }),
    400,
    'invalid_request',
  )
})

test.each(['null', '[]', '"purpose"', '1'])('JSON that is no object is refused: %s', async (body) => {
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token: await broker.workload(), body }),
    400,
    'invalid_request',
  )
})
