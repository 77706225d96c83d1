import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// Where a task hangs is told by the token that opens it, and by nothing that the caller writes.
test.each(['parent', 'depth', 'root', 'bounded', 'act'])('a task opened with %s is refused', async (name) => {
  expectRefusal(await broker.open({ [name]: 'task_x' }), 400, 'invalid_request')
})
