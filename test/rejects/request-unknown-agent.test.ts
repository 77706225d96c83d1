import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  { sub: 'repo:acme/web:ref:refs/heads/other' },
  { sub: 'repo:acme/web:ref:refs/heads/MAIN' },
  { repository_id: '124' },
  { repository_id: undefined },
])('a principal that matches no agent is refused: %j', async (claims) => {
  expectRefusal(await broker.open({}, claims), 403, 'unknown_agent')
})

test('so is one that names an agent it does not match', async () => {
  expectRefusal(await broker.open({ agent: 'other-bot' }), 403, 'unknown_agent')
  expect(rows(broker, 'tasks')).toEqual([])
})

test('an admin is no agent', async () => {
  const token = await broker.admin({ aud: broker.url })
  const body = {
    purpose: 'a test',
    authorization_details: [
      { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } },
    ],
  }
  expectRefusal(await broker.call('POST', '/v1/tasks', { token, body }), 403, 'unknown_agent')
})
