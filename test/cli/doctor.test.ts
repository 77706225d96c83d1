import { chmod, readFile, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import type { Check } from '../../src/cli/doctor/check.ts'
import { watchClocks } from '../../src/cli/doctor/clock.ts'
import { readAuthorities } from '../../src/config/trust.ts'
import { outboundFetch } from '../../src/outbound/fetch.ts'
import { selfSigned } from '../support/certificate.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())
afterEach(() => {
  broker.sandbox.issuer.faults.clear()
  broker.sandbox.github.faults.clear()
})

async function doctor(file = broker.file): Promise<{ status: number | null; checks: Check[] }> {
  const { status, stdout, stderr } = await mayfly(['doctor', '-c', file, '--json'])
  expect(stderr).toBe('')
  const { ok, checks } = JSON.parse(stdout)
  expect(ok).toBe(status === 0)
  return { status, checks }
}
const of = (checks: Check[], check: string) => checks.filter((each) => each.check === check)

/** The configuration with some keys replaced, beside the good one. */
async function changed(settings: Record<string, unknown>): Promise<string> {
  const file = join(broker.directory, 'changed.yaml')
  await writeFile(file, stringify({ ...parse(await readFile(broker.file, 'utf8')), ...settings }))
  return file
}

it('beside a running broker all is looked at, and nothing changed', async () => {
  const before = [rows(broker, 'audit_events').length, broker.sandbox.ledger.entries.length]
  const { status, stdout, stderr } = await mayfly(['doctor', '-c', broker.file])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const line of [
    /^ok +configuration +valid/m,
    /^ok +store +.+mayfly\.db is of this version, and writable$/m,
    /^ok +seal key k1 +seals from now on; no lease is sealed with it\n +Keep a copy elsewhere: .+$/m,
    /^ok +issuer sandbox +http:.+ publishes its keys$/m,
    /^ok +connection github\/acme +GitHub accepts the key of the app 424242$/m,
    /^warning +connection github\/acme +.+ no policy permits: .*secrets: write.*\n +Take it away .+$/m,
    /^ok +clock +within 30 seconds of 127\.0\.0\.1:\d+, 127\.0\.0\.1:\d+$/m,
    /^ok +files +/m,
    /^ok +url +a broker answers at http:.+$/m,
  ])
    expect(stdout).toMatch(line)
  expect([rows(broker, 'audit_events').length, broker.sandbox.ledger.entries.length]).toEqual(before)
})

it('says how many live credentials hang on a seal key', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  const { checks } = await doctor()
  expect(of(checks, 'seal key k1')).toMatchObject([
    {
      status: 'ok',
      message: 'seals from now on; 1 lease is sealed with it',
      remedy: expect.stringContaining('these leases not be revoked before they expire'),
    },
  ])
  await broker.complete(task)
})

it('a seal key that the store needs and that is gone is a fault', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  await writeFile(join(broker.directory, 'new.key'), Buffer.alloc(32, 1).toString('base64'), { mode: 0o600 })
  const file = await changed({ seal: { keys: [{ id: 'k2', secret: { file: './new.key' } }] } })
  const { status, checks } = await doctor(file)
  expect(status).toBe(1)
  expect(of(checks, 'seal key k1')).toMatchObject([
    { status: 'fault', message: 'is not configured, and 1 lease cannot be revoked, or kept so, without it' },
  ])
  expect(of(checks, 'seal key k2')).toMatchObject([{ status: 'ok' }])
  await broker.complete(task)
})

it('a text that no seal made is not shown as the id of a key', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  const put = (handle: unknown) =>
    beside(broker, (db) =>
      db.prepare('update leases set handle = ? where task = ?').run(handle as string, task.id),
    )
  const [lease] = rows(broker, 'leases', `task = '${task.id}'`)
  put('plaintextsecret')
  const { checks } = await doctor()
  put(lease!.handle)
  expect(checks.filter(({ check }) => check.startsWith('seal key'))).toMatchObject([
    { check: 'seal key k1', message: 'seals from now on; no lease is sealed with it' },
  ])
  expect(JSON.stringify(checks)).not.toContain('plaintext')
  await broker.complete(task)
})

it('an issuer and an upstream that fail are faults, each with what to do', async () => {
  broker.sandbox.issuer.faults.add({ kind: 'status', status: 503 })
  broker.sandbox.github.faults.add({ kind: 'status', status: 401, body: {} })
  const { status, checks } = await doctor()
  expect(status).toBe(1)
  const remedy = expect.stringMatching(/^.+\.$/)
  expect(of(checks, 'issuer sandbox')).toMatchObject([
    { status: 'fault', message: 'issuer sandbox: its discovery document was answered with 503', remedy },
  ])
  expect(of(checks, 'connection github/acme')).toMatchObject([{ status: 'fault', remedy }])
})

it.each([
  ['and refuses', { message: 'Bad Request' }, 'It was reached, and refuses'],
  ['by something else', '<html>', 'what stands in front of it'],
])('an upstream that was reached %s is not said to be out of reach', async (_how, body, remedy) => {
  const headers = { 'Content-Type': typeof body === 'string' ? 'text/html' : 'application/json' }
  broker.sandbox.github.faults.add({ kind: 'status', status: 400, headers, body })
  const { checks } = await doctor()
  expect(of(checks, 'connection github/acme')).toMatchObject([
    { status: 'fault', message: expect.stringContaining('400'), remedy: expect.stringContaining(remedy) },
  ])
})

it('the broker is looked for as its clients trust it', async () => {
  const { cert, key } = selfSigned()
  const server = createSecureServer({ cert, key }, (_request, response) => response.end('{"status":"ok"}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  await writeFile(join(broker.directory, 'client-ca.pem'), cert)
  const trusting = await doctor(await changed({ url, client: { ca: './client-ca.pem' } }))
  const other = await doctor(await changed({ url }))
  server.close()
  expect(of(trusting.checks, 'url')).toMatchObject([{ status: 'ok', message: `a broker answers at ${url}` }])
  expect(of(other.checks, 'url')).toMatchObject([{ status: 'warning' }])
})

it('a clock that differs from an issuer by more than 30 seconds is a warning', async () => {
  const { issuer } = broker.sandbox
  const body = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }
  const date = new Date(Date.now() + 95_000).toUTCString()
  issuer.faults.add({ kind: 'status', status: 200, headers: { date }, body: issuer.publicJwks(), on: isKeys })
  issuer.faults.add({ kind: 'status', status: 200, headers: { date }, body })
  const { status, checks } = await doctor()
  expect(status).toBe(0)
  expect(of(checks, 'issuer sandbox')).toMatchObject([{ status: 'ok' }])
  const host = new URL(issuer.url).host
  expect(of(checks, 'clock')).toMatchObject([
    { status: 'warning', message: expect.stringMatching(new RegExp(`^9\\d seconds behind ${host}$`)) },
  ])
})
const isKeys = ({ path }: { path: string }) => path === '/jwks'

it('files that others can read or change are told', async () => {
  const [key, policies] = [join(broker.directory, 'app.pem'), join(broker.directory, 'policies')]
  await chmod(key, 0o644)
  await chmod(policies, 0o777)
  const { status, checks } = await doctor()
  await chmod(key, 0o600)
  await chmod(policies, 0o755)
  expect(status).toBe(1)
  expect(of(checks, 'configuration')).toMatchObject([
    {
      status: 'warning',
      message: expect.stringContaining('app.pem can be read'),
      remedy: expect.stringContaining(`chmod 600 ${key}`),
    },
  ])
  expect(of(checks, 'files')).toMatchObject([{ status: 'fault', remedy: `Run: chmod o-w ${policies}` }])
})

it('a configuration that cannot be used is told as its faults', async () => {
  const { status, checks } = await doctor(await changed({ url: 'nowhere' }))
  expect(status).toBe(1)
  expect(checks).toMatchObject([
    { check: 'configuration', status: 'fault', message: expect.stringContaining('url') },
  ])
})

describe('where no broker runs', () => {
  it('a store that is yet to be made is fine, and not made; so is an address that is free', async () => {
    await broker.stop()
    const fresh = { store: 'sqlite:./fresh.db', audit: { last_head: './fresh-head' } }
    const { status, checks } = await doctor(await changed(fresh))
    expect(status).toBe(0)
    expect(of(checks, 'store')).toMatchObject([
      { message: expect.stringMatching(/will be made by the first start$/) },
    ])
    expect(of(checks, 'url')).toMatchObject([
      { status: 'ok', message: expect.stringContaining('none has to now') },
    ])
    await expect(readFile(join(broker.directory, 'fresh.db'))).rejects.toThrow('ENOENT')
    await broker.start()
  })

  it('a store that is none, and an address that is not of this machine, are faults', async () => {
    const file = await changed({
      store: 'sqlite:./app.pem',
      listen: '192.0.2.1:8420',
      trusted_proxies: ['192.0.2.2'],
    })
    const { status, checks } = await doctor(file)
    expect(status).toBe(1)
    expect(of(checks, 'store')).toMatchObject([{ status: 'fault' }])
    expect(of(checks, 'listen')).toMatchObject([
      { status: 'fault', message: expect.stringContaining('EADDRNOTAVAIL') },
    ])
  })

  it.each([
    ['is long good', {}, 'ok', /good until 2049/],
    ['ends in a week', { days: 7 }, 'warning', /expires on/],
    ['has ended', { days: -1 }, 'fault', /has expired/],
    ['is for another host', { url: 'https://mayfly.acme.example' }, 'fault', /not for mayfly\.acme\.example/],
  ])(
    'a certificate that %s is told',
    async (_what, given: { days?: number; url?: string }, status, message) => {
      const { days, url = 'https://127.0.0.1:1' } = given
      const utcTime = (at: number) => `${new Date(at).toISOString().replaceAll(/\D/g, '').slice(2, 14)}Z`
      const { cert, key } =
        days === undefined ? selfSigned() : selfSigned(utcTime(Date.now() + days * 24 * 3600_000))
      await writeFile(join(broker.directory, 'cert.pem'), cert)
      await writeFile(join(broker.directory, 'key.pem'), key, { mode: 0o600 })
      const file = await changed({ url, tls: { cert: './cert.pem', key: './key.pem' } })
      expect(of((await doctor(file)).checks, 'tls')).toMatchObject([
        { status, message: expect.stringMatching(message) },
      ])
    },
  )
})

describe('clocks are compared whoever asks', () => {
  const late = (seconds: number) => new Date(Date.now() - seconds * 1000).toUTCString()

  it('with a CA of its own, or with node:http', async () => {
    const { cert, key } = selfSigned()
    const ca = join(broker.directory, 'ca.pem')
    await writeFile(ca, cert)
    const answers = (response: { setHeader(name: string, value: string): { end(): void } }) =>
      response.setHeader('Date', late(120)).end()
    const secure = createSecureServer({ cert, key }, (_request, response) => answers(response))
    const plain = createServer((_request, response) => answers(response))
    for (const server of [secure, plain])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const [a, b] = [secure, plain].map((server) => (server.address() as AddressInfo).port)

    const clocks = watchClocks()
    const call = outboundFetch({ env: {}, ca: readAuthorities(ca) })
    await (await call(`https://127.0.0.1:${a}/`)).text()
    await new Promise((resolve) =>
      get(`http://127.0.0.1:${b}/`, (response) => response.resume().on('end', resolve)),
    )
    const checks = clocks.compare()
    secure.close()
    plain.close()
    expect(checks.map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^1[12]\\d seconds ahead of 127\\.0\\.0\\.1:${a}$`)),
      expect.stringMatching(/^1[12]\d seconds ahead of 127\.0\.0\.1/),
    ])
  })

  it('an answer from a cache is counted from when it was made', async () => {
    const server = createServer((_request, response) =>
      response.setHeader('Date', late(3600)).setHeader('Age', '3600').end(),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const clocks = watchClocks()
    await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text()
    expect(clocks.compare()).toMatchObject([{ status: 'ok' }])
    server.close()
  })

  it('with nobody to compare with is a warning', () => {
    expect(watchClocks().compare()).toMatchObject([{ status: 'warning' }])
  })
})
