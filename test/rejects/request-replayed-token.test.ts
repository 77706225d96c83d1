import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const body = { purpose: 'a test', authorization_details: [writeWeb] }
const open = (token: string) => broker.call('POST', '/v1/tasks', { token, body })

test('a token that has opened a task opens no other, also after a restart', async () => {
  const token = await broker.workload()
  expect((await open(token)).status).toBe(201)
  expectRefusal(await open(token), 401, 'token_replayed')
  await broker.stop()
  await broker.start()
  expectRefusal(await open(token), 401, 'token_replayed')
})

test('of ten uses at once, one opens a task', async () => {
  const token = await broker.workload()
  const before = rows(broker, 'tasks').length
  const answers = await Promise.all(Array.from({ length: 10 }, () => open(token)))
  const refused = answers.filter(({ status }) => status !== 201)
  expect(refused).toHaveLength(9)
  for (const answer of refused) expectRefusal(answer, 401, 'token_replayed')
  expect(rows(broker, 'tasks')).toHaveLength(before + 1)
})

test('a refusal does not use the token up', async () => {
  const token = await broker.workload()
  const wide = { ...body, authorization_details: [{ ...writeWeb, permissions: { administration: 'write' } }] }
  expectRefusal(await broker.call('POST', '/v1/tasks', { token, body: wide }), 403, 'policy_denied')
  expectRefusal(
    await broker.call('POST', '/v1/tasks', { token, body: { ...body, ttl: 0 } }),
    400,
    'invalid_request',
  )
  expect((await open(token)).status).toBe(201)
})
