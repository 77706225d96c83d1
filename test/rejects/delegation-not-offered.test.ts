import { test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()

// Until child tasks are there, whoever hands authority on must hear that nothing was handed on.
test('a delegation cannot be made', async () => {
  const body = { agent: 'refactor-bot', authorization_details: [readWeb] }
  const options = { token: task.task_token, body }
  expectRefusal(await broker.call('POST', `/v1/tasks/${task.id}/delegations`, options), 404, 'not_found')
})

test.each(['delegation', 'parent', 'depth', 'root'])('a task opened with %s is refused', async (name) => {
  expectRefusal(await broker.open({ [name]: 'dlg_x' }), 400, 'invalid_request')
})
