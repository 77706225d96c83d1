/** Certificates are renewed while the broker runs. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { Agent, fetch as fetchWith } from 'undici'
import { beforeEach, expect, test } from 'vitest'
import { selfSigned } from '../support/certificate.ts'
import { filesOf } from '../support/broker-files.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const first = selfSigned()
const broker = await sharedBroker({ files: { 'tls.pem': first.cert, 'tls.key': first.key } })
const url = broker.url.replace('http:', 'https:')
const files = await filesOf(broker, 'tls.pem', 'tls.key', 'agents/refactor-bot.yaml')
await files.configure((settings) => {
  settings.url = url
  settings.tls = { cert: './tls.pem', key: './tls.key' }
})
await broker.stop()
await broker.start()

// Whoever asks does not look at the certificate: each test does by itself.
const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
async function call(path: string, token: string, body?: object) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const sent = { method: 'POST', headers, dispatcher, ...(body && { body: JSON.stringify(body) }) }
  const response = await fetchWith(url + path, sent)
  // oxlint-disable-next-line no-explicit-any -- a wrong guess fails the test
  return { status: response.status, body: (await response.json()) as any }
}
const reload = async () => call('/v1/admin/reload', await broker.admin({ aud: `${broker.url}/admin` }))
const open = async () =>
  call('/v1/tasks', await broker.workload({ aud: url }), {
    purpose: 'a test',
    authorization_details: [
      { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } },
    ],
  })

/** The certificate that a new connection is shown. */
async function served(): Promise<string> {
  const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  return new X509Certificate(raw).fingerprint256
}
const ofTls = (warning: string) => /mayfly\.yaml:\d+:\d+: tls/.test(warning)
const fingerprint = ({ cert }: { cert: string }) => new X509Certificate(cert).fingerprint256

beforeEach(async () => {
  for (const name of ['tls.pem', 'tls.key', 'agents/refactor-bot.yaml'])
    await files.write(name, originals[name]!)
  expect((await reload()).status).toBe(200)
})
const originals: Record<string, string> = {
  'tls.pem': first.cert,
  'tls.key': first.key,
  'agents/refactor-bot.yaml': await readFile(join(broker.directory, 'agents/refactor-bot.yaml'), 'utf8'),
}

test('a renewed certificate is served from the reload on', async () => {
  const renewed = selfSigned()
  await files.write('tls.pem', renewed.cert)
  await files.write('tls.key', renewed.key)
  const { status, body } = await reload()
  expect({ status, warnings: body.warnings.filter(ofTls) }).toEqual({ status: 200, warnings: [] })
  expect(await served()).toBe(fingerprint(renewed))
  expect((await open()).status).toBe(201)
})

test.each<[string, () => Promise<unknown>]>([
  ['whose key is not there yet', () => files.write('tls.pem', selfSigned().cert)],
  ['that is none', () => files.write('tls.pem', 'x')],
  ['whose file is gone', () => files.remove('tls.pem')],
  ['whose key cannot be read', () => files.remove('tls.key')],
])('one %s is told; the old one goes on, and an agent that is to go is gone', async (_what, spoil) => {
  await spoil()
  await files.remove('agents/refactor-bot.yaml')
  const { status, body } = await reload()
  expect({ status, reloaded: body.status }).toEqual({ status: 200, reloaded: 'reloaded' })
  expect(body.warnings.filter(ofTls)).toHaveLength(1)
  expect(await served()).toBe(fingerprint(first))
  expect((await open()).body.code).toBe('unknown_agent')
})

test('a start with such a certificate is refused', async () => {
  await broker.stop()
  await files.write('tls.pem', selfSigned().cert)
  await expect(broker.start()).rejects.toThrow('cannot be used')
  await files.write('tls.pem', first.cert)
  await broker.start()
})
