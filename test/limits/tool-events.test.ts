/** No task fills the record with calls of tools. */
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test('a task records three hundred calls a minute, and another its own', async () => {
  const event = { name: 'Bash', digest: 'a'.repeat(64), outcome: 'succeeded' }
  const { body: one } = await broker.open({ authorization_details: [readWeb] })
  const { body: other } = await broker.open({ authorization_details: [readWeb] })
  const record = (task: typeof one) =>
    broker.call('POST', `/v1/tasks/${task.id}/events`, { token: task.task_token, body: event })
  const answers = await Promise.all(Array.from({ length: 310 }, () => record(one)))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(300)
  expect(answers.find(({ status }) => status === 429)?.headers.get('Retry-After')).toMatch(/^\d+$/)
  expect((await record(other)).status).toBe(201)
  expect(rows(broker, 'audit_events', `type = 'tool.called' and task = '${one.id}'`)).toHaveLength(300)
})
