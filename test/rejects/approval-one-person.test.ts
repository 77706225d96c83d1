import { expect, test } from 'vitest'
import { answer, ask, legal, needing } from '../support/approvals.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(needing('security', 'legal'))
const both = { groups: ['security', 'legal'] }

test('one person in two groups counts for one of them', async () => {
  const task = await ask(broker)
  expect((await answer(broker, 'approve', task.approvals[0], { claims: both })).status).toBe(200)
  expectRefusal(await answer(broker, 'approve', task.approvals[1], { claims: both }), 403, 'forbidden')
  const renamed = { ...both, email: 'another@acme.dev' }
  expectRefusal(await answer(broker, 'approve', task.approvals[1], { claims: renamed }), 403, 'forbidden')
  expect((await broker.read(task)).body.status).toBe('pending_approval')
  expect((await answer(broker, 'approve', task.approvals[0], { claims: legal })).status).toBe(409)
  const bob = { sub: 'bob', email: 'bob@acme.dev' }
  expect((await answer(broker, 'approve', task.approvals[1], { claims: bob })).body.status).toBe('active')
})

test('one person twice at once counts once', async () => {
  const task = await ask(broker)
  const answers = await Promise.all(
    [0, 1].map((index) => answer(broker, 'approve', task.approvals[index], { claims: both })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 403]))
  expect((await broker.read(task)).body.status).toBe('pending_approval')
})
