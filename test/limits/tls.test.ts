/** TLS by the broker itself. */
import { once } from 'node:events'
import { get as getInClear, type IncomingMessage } from 'node:http'
import { request, type RequestOptions } from 'node:https'
import { expect, test } from 'vitest'
import { selfSigned } from '../support/certificate.ts'
import { filesOf } from '../support/broker-files.ts'
import { readWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const { cert, key } = selfSigned()
const broker = await sharedBroker({ files: { 'tls.pem': cert, 'tls.key': key } })
const url = broker.url.replace('http:', 'https:')
const files = await filesOf(broker, 'tls.pem', 'tls.key')
await files.configure((settings) => {
  settings.url = url
  settings.tls = { cert: './tls.pem', key: './tls.key' }
})
await broker.stop()
await broker.start()

async function ask(
  path: string,
  body?: unknown,
  { headers, ...options }: Omit<RequestOptions, 'headers'> & { headers?: Record<string, string> } = {},
) {
  const method = body === undefined ? 'GET' : 'POST'
  const sent = request(url + path, {
    ca: cert,
    agent: false,
    method,
    ...options,
    headers: { 'Content-Type': 'application/json', ...headers },
  })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) }
}

test('a task is opened over TLS, under an https url', async () => {
  const token = await broker.workload({ aud: url })
  const headers = { Authorization: `Bearer ${token}` }
  const asked = { purpose: 'a test', authorization_details: [readWeb] }
  const { status, headers: answered, body } = await ask('/v1/tasks', asked, { headers })
  expect({ status, task: body.status }).toEqual({ status: 201, task: 'active' })
  expect(answered['strict-transport-security']).toMatch(/max-age=\d+/)
})

test('its metadata is of that url', async () => {
  const { body } = await ask('/.well-known/oauth-authorization-server')
  expect(body).toMatchObject({ issuer: url, token_endpoint: `${url}/oauth/token` })
})

test('a client that does not trust the certificate gets nothing', async () => {
  await expect(ask('/healthz', undefined, { ca: [] })).rejects.toThrow(/certificate|signed/)
})

test.each(['TLSv1', 'TLSv1.1'] as const)('%s is not spoken', async (maxVersion) => {
  await expect(ask('/healthz', undefined, { maxVersion, minVersion: 'TLSv1' })).rejects.toThrow()
})

test('in clear nothing is answered', async () => {
  const sent = getInClear(`${broker.url}/healthz`, { agent: false })
  await expect(once(sent, 'response')).rejects.toThrow()
})
