/** What is believed of a broker, and by what. */
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { bootstrap, NotBootstrapped } from '../../src/client/login/bootstrap.ts'
import { knownBroker } from '../../src/client/login/brokers.ts'
import { selfSigned } from '../support/certificate.ts'
import { type Laptop, laptop } from '../support/people.ts'

const own = selfSigned()
const other = selfSigned()
const fingerprint = (pem: string) => new X509Certificate(pem).fingerprint256

let mine: Laptop
let url: string
let answer: Record<string, unknown>
let asked: { path: string | undefined; authorization: string | undefined }[]
beforeEach(async () => {
  mine = await laptop()
  asked = []
  const server: Server = createServer(own, (request, response) => {
    asked.push({ path: request.url, authorization: request.headers.authorization })
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  answer = { url, ca: [own.cert], issuers: [okta] }
})

const okta = {
  name: 'okta',
  issuer: 'https://acme.okta.com',
  client_id: 'mayfly',
  admin_client_id: null,
  scopes: ['openid'],
  audiences: ['mayfly'],
  admin_audiences: [],
  ca: null,
}

const run = (given: object = {}) => bootstrap({ url, env: mine.env, ...given })
const refused = async (given: object = {}) => {
  const error = await run(given).then(
    () => new Error('it was believed'),
    (thrown: unknown) => thrown as NotBootstrapped,
  )
  expect(error).toBeInstanceOf(NotBootstrapped)
  expect(knownBroker(mine.env, url)?.issuers ?? []).not.toContainEqual(
    expect.objectContaining({ issuer: 'https://evil.test' }),
  )
  return error as NotBootstrapped
}

test('a certificate of an unknown CA is not believed, and what it shows is not offered for belief', async () => {
  const { message, remedy } = await refused()
  expect(message).toContain('not trusted')
  expect(remedy).toContain('--fingerprint')
  expect(`${message} ${remedy}`).not.toContain(fingerprint(own.cert).slice(0, 8))
  expect(knownBroker(mine.env, url)).toBeUndefined()
})

test('its CA, given as a file or by its fingerprint, is believed and kept', async () => {
  expect((await run({ ca: [own.cert] })).trust).toEqual({ by: 'ca', fingerprint: fingerprint(own.cert) })
  for (const written of [fingerprint(own.cert), fingerprint(own.cert).replaceAll(':', '').toLowerCase()]) {
    const { facts, trust } = await run({ fingerprint: written })
    expect(trust).toEqual({ by: 'ca', fingerprint: fingerprint(own.cert) })
    expect(facts.ca?.map(fingerprint)).toEqual([fingerprint(own.cert)])
  }
  expect(knownBroker(mine.env)).toMatchObject({ url, issuers: [{ issuer: okta.issuer }] })
  expect(asked.every(({ path, authorization }) => path?.startsWith('/.well-known/') && !authorization)).toBe(
    true,
  )
})

test('a fingerprint that none of its CAs has is refused', async () => {
  expect((await refused({ fingerprint: fingerprint(other.cert) })).message).toContain(
    'no CA with this fingerprint',
  )
  expect((await refused({ fingerprint: 'AA:BB' })).message).toContain('no fingerprint')
})

test('whoever sits between and shows the right CA does not have a certificate of it', async () => {
  answer = { ...answer, ca: [other.cert], issuers: [{ ...okta, issuer: 'https://evil.test' }] }
  await refused({ fingerprint: fingerprint(other.cert) })
  expect(knownBroker(mine.env, url)).toBeUndefined()
})

test.each<[string, (now: Record<string, unknown>) => unknown]>([
  ['another issuer', (now) => ({ ...now, issuers: [{ ...okta, issuer: 'https://evil.test' }] })],
  [
    'one issuer more',
    (now) => ({ ...now, issuers: [okta, { ...okta, name: 'x', issuer: 'https://evil.test' }] }),
  ],
  ['another client', (now) => ({ ...now, issuers: [{ ...okta, client_id: 'evil' }] })],
  ['another CA of the issuer', (now) => ({ ...now, issuers: [{ ...okta, ca: [other.cert] }] })],
])(
  'a broker that names %s than before is refused until somebody says that it is right',
  async (_what, change) => {
    const ca = [own.cert]
    await run({ ca })
    answer = change(answer) as typeof answer
    expect((await refused({ ca })).remedy).toContain('--replace')
    expect(knownBroker(mine.env, url)?.issuers).toMatchObject([{ issuer: okta.issuer, client_id: 'mayfly' }])
    await run({ ca, replace: true })
  },
)

test.each<[string, object]>([
  ['no url', { url: undefined }],
  ['the url of another broker', { url: 'https://mayfly.acme.dev' }],
  ['an issuer over http', { issuers: [{ ...okta, issuer: 'http://evil.test' }] }],
  ['an issuer with a user name', { issuers: [{ ...okta, issuer: 'https://okta.com@evil.test' }] }],
  ['a name that steers the terminal', { issuers: [{ ...okta, name: '\u001b[2Jokta' }] }],
  ['a client of two lines', { issuers: [{ ...okta, client_id: 'a\nb' }] }],
  ['a CA that is none', { issuers: [{ ...okta, ca: ['../../etc/passwd'] }] }],
  ['a thousand issuers', { issuers: Array.from({ length: 1000 }, () => okta) }],
  ['more than is read', { more: 'x'.repeat(300_000) }],
])('an answer with %s is not believed', async (_what, change) => {
  answer = { ...answer, ...change }
  await refused({ ca: [own.cert] })
  expect(knownBroker(mine.env, url)).toBeUndefined()
})

test('the command says plainly what is trusted', async () => {
  const file = join(mine.home, 'ca.pem')
  await writeFile(file, own.cert)
  const { status, stdout } = await mine.mayfly('bootstrap', url, '--ca', file)
  expect(status).toBe(0)
  expect(stdout).toContain(`by its own CA, SHA-256 ${fingerprint(own.cert)}`)
  expect(stdout).toContain('https://acme.okta.com (okta), as client mayfly')
  expect(stdout).toContain('sent to this broker')
  const wrong = await mine.mayfly('bootstrap', url, '--fingerprint', fingerprint(other.cert), '--json')
  expect(JSON.parse(wrong.stderr)).toMatchObject({
    code: 'failed',
    remedy: expect.stringContaining('Trust nothing'),
  })
})
