import { expect, test } from 'vitest'
import { form, post } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// RFC 6749 section 3.2: of two values, a proxy may have looked at the other.
test.each([
  ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
  ['subject_token', 'x.y.z'],
  ['authorization_details', '[]'],
  ['purpose', ''],
  ['scope', 'a'],
])('%s given twice is refused', async (name, value) => {
  const asked = new URLSearchParams((await form(broker)) as Record<string, string>)
  if (!asked.has(name)) asked.append(name, 'b')
  asked.append(name, value)
  expectOAuthError(
    await post(broker, '/oauth/token', asked.toString()),
    400,
    'invalid_request',
    'invalid_request',
  )
  expect(broker.sandbox.ledger.entries).toEqual([])
})

test('spelling it otherwise does not hide it', async () => {
  const asked = new URLSearchParams((await form(broker)) as Record<string, string>)
  const body = `${asked.toString()}&p%75rpose=a&purpose=b`
  expectOAuthError(await post(broker, '/oauth/token', body), 400, 'invalid_request', 'invalid_request')
})
