import { test } from 'vitest'
import { answer, ask, needing } from '../support/approvals.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(needing('security'))

test.each([
  ['approve', 'approve'],
  ['approve', 'deny'],
  ['deny', 'approve'],
  ['deny', 'deny'],
] as const)('after %s, %s comes too late', async (first, second) => {
  const { approvals } = await ask(broker)
  await answer(broker, first, approvals[0])
  expectRefusal(await answer(broker, second, approvals[0]), 409, 'conflict')
  const claims = { sub: 'bob', email: 'bob@acme.dev' }
  expectRefusal(await answer(broker, second, approvals[0], { claims }), 409, 'conflict')
})

test('what was given up is no longer to be approved', async () => {
  const task = await ask(broker)
  await broker.complete(task)
  expectRefusal(await answer(broker, 'approve', task.approvals[0]), 409, 'conflict')
})
