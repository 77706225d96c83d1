/** What was said to a tool, or answered by it, has no place in the record. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const digest = 'a'.repeat(64)

test.each([
  ['its input', { input: { command: 'ls' } }],
  ['a digest that is a text', { digest: 'ls -la' }],
  ['an outcome that is a text', { outcome: 'it printed: hello' }],
  ['a name that is a text', { name: 'ls -la /root' }],
])('%s', async (_what, wrong) => {
  const { body: task } = await broker.open({ authorization_details: [readWeb] })
  const { status, body } = await broker.call('POST', `/v1/tasks/${task.id}/events`, {
    token: task.task_token,
    body: { name: 'Bash', digest, outcome: 'failed', ...wrong },
  })
  expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' })
  expect(rows(broker, 'audit_events', `type = 'tool.called'`)).toEqual([])
})
