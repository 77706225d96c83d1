/** Through an OAuth client that knows nothing of Mayfly: discovery, exchange, revocation. */
import * as oauth from 'oauth4webapi'
import { expect, test } from 'vitest'
import { readWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { form, grantType } from '../support/oauth-form.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox
const issuer = new URL(broker.url)
const onLoopback = { [oauth.allowInsecureRequests]: true }
const client: oauth.Client = { client_id: 'anything' }

const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...onLoopback }),
)

async function exchange(changed?: Record<string, string>) {
  const { grant_type: _, ...parameters } = await form(broker, changed)
  const response = await oauth.genericTokenEndpointRequest(
    server,
    client,
    oauth.None(),
    grantType,
    parameters as Record<string, string>,
    onLoopback,
  )
  return await oauth.processGenericTokenEndpointResponse(server, client, response)
}

async function revoke(token: string) {
  const response = await oauth.revocationRequest(server, client, oauth.None(), token, onLoopback)
  await oauth.processRevocationResponse(response)
}

test('it discovers what there is, and what is not: no client needs a secret', () => {
  expect(server).toEqual({
    issuer: broker.url,
    token_endpoint: `${broker.url}/oauth/token`,
    revocation_endpoint: `${broker.url}/oauth/revoke`,
    grant_types_supported: [grantType],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    authorization_details_types_supported: ['github'],
  })
})

test('it exchanges an identity for a token that works, and revokes it', async () => {
  const answer = await exchange()
  expect(answer).toMatchObject({
    token_type: 'bearer',
    expires_in: expect.any(Number),
    authorization_details: [readWeb],
  })
  expect(await broker.use(answer.access_token)).toBe(200)
  await revoke(answer.access_token)
  expect(await broker.use(answer.access_token)).toBe(401)
  expect(ledger.alive()).toEqual([])
})

test('it revokes a token that nobody knows without a complaint', async () => {
  await revoke('ghs_nobodyknowsthisone')
})

test("it understands a refusal as the standard's own", async () => {
  await expect(exchange({ subject_token: 'x.y.z' })).rejects.toMatchObject({
    error: 'invalid_request',
    status: 400,
    cause: { code: 'invalid_token' },
  })
  const secrets = { type: 'github', repositories: ['acme/web'], permissions: { secrets: 'read' } }
  await expect(exchange({ authorization_details: JSON.stringify([secrets]) })).rejects.toMatchObject({
    error: 'invalid_authorization_details',
    status: 400,
    cause: { denials: [{ action: 'github.secrets.read' }] },
  })
})
