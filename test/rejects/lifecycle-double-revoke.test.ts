import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('of many givings back at once, all are answered 200 and one is recorded', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const path = `/v1/tasks/${task.id}/leases/${minted.lease.id}/revoke`
  const give = () => broker.call('POST', path, { token: task.task_token })

  const answers = await Promise.all(Array.from({ length: 8 }, give))
  answers.push(await give())

  for (const answer of answers) expect(answer.status).toBe(200)
  expect(answers.at(-1)!.body).toMatchObject({ status: 'revoked', evidence: { result: 'dead' } })
  const events = rows(broker, 'audit_events', `lease = '${minted.lease.id}'`)
  expect(events.filter(({ type }) => type === 'lease.revoked')).toHaveLength(1)
})

test('an admin and the workload at once do no harm to each other', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const [ordered, completed] = await Promise.all([
    broker.revoke({ lease: minted.lease.id }),
    broker.complete(task),
  ])
  expect([ordered.status, completed.status]).toEqual([200, 200])
  expect((await broker.read(task)).body).toMatchObject({
    status: 'completed',
    leases: [{ status: 'revoked' }],
  })
})
