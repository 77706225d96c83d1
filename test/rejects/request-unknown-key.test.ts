import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  { ttls: 60 },
  { authorization_detail: writeWeb },
  { authorization_details: [{ ...writeWeb, repository: 'acme/web' }] },
  { authorization_details: [{ ...writeWeb, repository_ids: [1] }] },
])('a misspelt or unknown member is refused, never ignored: %o', async (extra) => {
  expectRefusal(await broker.open(extra), 400, 'invalid_request')
})

test('also when a credential is asked for', async () => {
  const { body: task } = await broker.open()
  expectRefusal(await broker.mint(task, { ...writeWeb, permission: {} }), 400, 'invalid_request')
  const path = `/v1/tasks/${task.id}/credentials`
  for (const body of [
    { authorization_detail: writeWeb, ttl: 60 },
    { ...writeWeb, ttl: 60 },
    { authorization_details: [writeWeb, writeWeb] },
  ])
    expectRefusal(await broker.call('POST', path, { token: task.task_token, body }), 400, 'invalid_request')
})
