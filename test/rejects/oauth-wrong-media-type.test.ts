import { expect, test } from 'vitest'
import { form, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  'application/json-seq',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded-not',
  'application/x-www-form-urlencoded, text/plain',
  '',
])('a body of type %j is refused', async (type) => {
  const asked = await form(broker)
  for (const path of ['/oauth/token', '/oauth/revoke'])
    expectOAuthError(
      await post(broker, path, asked, { 'Content-Type': type }),
      415,
      'invalid_request',
      'invalid_request',
    )
  expect(broker.sandbox.ledger.entries).toEqual([])
})

test('parameters in the query are none', async () => {
  const query = new URLSearchParams((await form(broker)) as Record<string, string>)
  const answer = await post(broker, `/oauth/token?${query.toString()}`, '')
  expectOAuthError(answer, 400, 'invalid_request', 'invalid_request')
})
