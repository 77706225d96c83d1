import { test } from 'vitest'
import { form } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const body = new URLSearchParams((await form(broker)) as Record<string, string>).toString()

test.each(['rebound.example', '127.0.0.1', ''])('an exchange for the host %j is refused', async (host) => {
  const headers = ['Host', host, 'Content-Type', 'application/x-www-form-urlencoded']
  const answer = await raw(`${broker.url}/oauth/token`, { method: 'POST', headers, body })
  expectOAuthError(answer, 400, 'invalid_request', 'invalid_request')
})

test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration', '/openapi.json'])(
  '%s is for its own host alone',
  async (path) =>
    expectRefusal(
      await raw(broker.url + path, { headers: ['Host', 'rebound.example'] }),
      400,
      'invalid_request',
    ),
)
