import { expect, test } from 'vitest'
import { answer, ask, legal, needing } from '../support/approvals.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(needing('security'))
const task = await ask(broker)

test.each(['approve', 'deny'] as const)('%s by a member of another group', async (verb) => {
  expectRefusal(await answer(broker, verb, task.approvals[0], { claims: legal }), 403, 'forbidden')
})

test.each(['approve', 'deny'] as const)('%s by an admin who may only look', async (verb) => {
  const claims = { groups: ['auditors'] }
  expectRefusal(await answer(broker, verb, task.approvals[0], { claims }), 403, 'forbidden')
})

test.each(['approve', 'deny'] as const)('%s by the workload itself', async (verb) => {
  const [{ id, digest }] = task.approvals
  for (const token of [
    task.task_token,
    await broker.workload(),
    await broker.workload({ aud: 'console', groups: 'security' }),
  ]) {
    const refused = await broker.call('POST', `/v1/admin/approvals/${id}/${verb}`, {
      token,
      body: { digest },
    })
    expect([401, 403]).toContain(refused.status)
  }
})

test('it still waits', async () => {
  expect((await broker.read(task)).body.status).toBe('pending_approval')
})
