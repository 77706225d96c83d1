import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()
const { body: minted } = await broker.mint(task)
const { body: over } = await broker.open()
await broker.call('POST', `/v1/tasks/${over.id}/complete`, { token: over.task_token })
const open = { purpose: 'a test', authorization_details: [writeWeb] }

test.each([
  ['the token of a delegation', () => `mfd_${task.task_token.slice(4)}`],
  ['a minted credential', () => minted.credential.token],
  ['an id', () => task.id],
])('%s opens no task', async (_kind, token) => {
  expectRefusal(await broker.call('POST', '/v1/tasks', { token: token(), body: open }), 401, 'invalid_token')
})

test('the token of a task that is over opens no other', async () => {
  const answer = await broker.call('POST', '/v1/tasks', { token: over.task_token, body: open })
  expectRefusal(answer, 409, 'task_not_active')
})

test.each([
  ['the identity that opened it', () => broker.workload()],
  ['an admin', () => broker.admin()],
  ['a minted credential', async () => minted.credential.token],
])('%s is not the task token', async (_kind, token) => {
  expectRefusal(
    await broker.call('GET', `/v1/tasks/${task.id}`, { token: await token() }),
    401,
    'invalid_token',
  )
})

test('a task token is no admin', async () => {
  const body = { selector: { all: true }, reason: 'a test' }
  const answer = await broker.call('POST', '/v1/admin/revocations', { token: task.task_token, body })
  expectRefusal(answer, 401, 'invalid_token')
})
