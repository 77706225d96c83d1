import { expect, test } from 'vitest'
import { answer, ask, human, needing } from '../support/approvals.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(needing('security'))
const [task, other] = [await ask(broker), await ask(broker)]

test('another digest than that of the request is a conflict, whatever it looks like', async () => {
  const { digest: right } = task.approvals[0]
  for (const digest of [other.approvals[0].digest, '0'.repeat(64), 'x', right.toUpperCase(), `${right} `])
    expectRefusal(await answer(broker, 'approve', task.approvals[0], { digest }), 409, 'conflict')
  expect((await broker.read(task)).body.status).toBe('pending_approval')
})

test.each([
  undefined,
  {},
  { digest: null },
  { digest: '' },
  { digest: [task.approvals[0].digest] },
  { digest: task.approvals[0].digest, groups: ['security'] },
])('a yes must name what it is to: %j', async (body) => {
  const options = { token: await human(broker), body: body ?? '' }
  const refused = await broker.call('POST', `/v1/admin/approvals/${task.approvals[0].id}/approve`, options)
  expectRefusal(refused, 400, 'invalid_request')
})

test('an approval that is not there is not found', async () => {
  const unknown = { id: 'appr_00000000000000000000000000000000', digest: task.approvals[0].digest }
  expectRefusal(await answer(broker, 'approve', unknown), 404, 'not_found')
  expectRefusal(await answer(broker, 'approve', { ...unknown, id: task.id }), 404, 'not_found')
})
