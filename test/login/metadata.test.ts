import { expect, test } from 'vitest'
import { peopleBroker } from '../support/people.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker(peopleBroker)

test('a broker tells whoever asks where people log in, and nothing else of its configuration', async () => {
  const { status, body } = await broker.call('GET', '/.well-known/mayfly-client')
  expect(status).toBe(200)
  expect(body).toEqual({
    url: broker.url,
    ca: null,
    issuers: [
      {
        name: 'sandbox',
        issuer: broker.sandbox.issuer.url,
        client_id: 'mayfly',
        admin_client_id: 'mayfly-admin',
        scopes: ['openid', 'email', 'offline_access'],
        audiences: [broker.url, 'mayfly'],
        admin_audiences: [`${broker.url}/admin`, 'mayfly-admin'],
        ca: null,
      },
    ],
  })
})
