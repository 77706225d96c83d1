import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// RFC 6750 §5.3: a token in an address ends up in logs.
test('a token in the query is not looked at', async () => {
  const { body: task } = await broker.open()
  const path = `/v1/tasks/${task.id}?access_token=${task.task_token}`
  expectRefusal(await broker.call('GET', path), 401, 'invalid_token')
})
