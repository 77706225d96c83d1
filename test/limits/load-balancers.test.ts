/** What stands before a broker in real life: something that ends TLS, and keeps its connections for long. */
import { expect, test } from 'vitest'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const url = 'https://mayfly.acme.dev'
const broker = await sharedBroker({ settings: { url } })
const ask = (host: string, path = '/.well-known/jwks.json') =>
  raw(broker.url + path, { headers: ['Host', host] })

test.each(['mayfly.acme.dev', 'mayfly.acme.dev:443', 'MAYFLY.acme.dev:443'])(
  'the Host %s is that of the broker at its default port',
  async (host) => expect((await ask(host)).status).toBe(200),
)

test.each(['mayfly.acme.dev:80', 'mayfly.acme.dev:8443', 'mayfly.acme.dev:', 'evil.example:443', ':443', ''])(
  'the Host %j is not',
  async (host) => expectRefusal(await ask(host), 400, 'invalid_request'),
)

test('an idle connection is kept longer than load balancers keep theirs', async () => {
  const { headers } = await raw(`${broker.url}/healthz`, { headers: ['Connection', 'keep-alive'] })
  const [, seconds] = /timeout=(\d+)/.exec(headers.get('Keep-Alive') ?? '') ?? []
  expect(Number(seconds)).toBeGreaterThanOrEqual(75)
})
