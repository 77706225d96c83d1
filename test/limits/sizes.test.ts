/** What is too long is cut off, and the next request is served. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { form, post } from '../support/oauth-form.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker({ settings: { limits: { body_bytes: 2048 } } })
const { hostname, port, host } = new URL(broker.url)

afterEach(async () => {
  expect((await broker.open()).status).toBe(201)
})

/** Sends `text` as it is, and gives the answer when the broker has closed the connection. */
async function send(text: string): Promise<string> {
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return received
}

test.each(['/v1/tasks', '/oauth/token'])('a body over the limit of %s is 413, said or not', async (path) => {
  const token = await broker.workload()
  const body = 'x'.repeat(3000)
  const type = path === '/v1/tasks' ? 'application/json' : 'application/x-www-form-urlencoded'
  const answer = await broker.call('POST', path, { token, body, headers: { 'Content-Type': type } })
  expect(answer.status).toBe(413)
  expect(answer.body.code).toBe('invalid_request')
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    `Content-Type: ${type}`,
  ]
  const chunk = `800\r\n${'x'.repeat(0x800)}\r\n`
  const received = await send([...lines, 'Transfer-Encoding: chunked', '', chunk.repeat(2)].join('\r\n'))
  expect(received).toMatch(/^HTTP\/1\.1 413 /)
  expect(received).toMatch(/connection: close/i)
})

test('a body just within the limit is read', async () => {
  const asked = await form(broker)
  const short = new URLSearchParams(asked as Record<string, string>).toString().length
  const padded = await post(broker, '/oauth/token', { ...asked, x: 'x'.repeat(2048 - short - 3) })
  expect(padded.status).toBe(200)
  const longer = await post(broker, '/oauth/token', { ...(await form(broker)), x: 'x'.repeat(2048) })
  expect(longer.status).toBe(413)
})

/** What never became a request is refused in the same terms as one (design §10). */
function expectUnparsed(received: string, status: number): void {
  const [head = '', body = ''] = received.split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(head).toMatch(/^connection: close$/im)
  expect(head).toMatch(/^content-type: application\/problem\+json$/im)
  const [, id] = /^x-request-id: (req_[0-9a-f]{32})$/im.exec(head) ?? []
  expect(JSON.parse(body)).toMatchObject({ status, code: 'invalid_request', request_id: id })
}

test('headers over 16 KB are 431, before anyone looks at them', async () => {
  const long = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`
  expectUnparsed(await send(long), 431)
})

test('a path of many kilobytes is answered like any other that is not there', async () => {
  expectRefusal(await broker.call('GET', `/${'x'.repeat(8_000)}`), 404, 'not_found')
})

test.each([
  ['two lengths', 'Content-Length: 2\r\nContent-Length: 3'],
  ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked'],
  ['a length that is none', 'Content-Length: -1'],
])('a request that could be read as two (%s) is refused', async (_what, headers) => {
  expectUnparsed(await send(`POST /v1/tasks HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n{}`), 400)
})

test('an expectation that nobody can meet is passed over', async () => {
  const received = await send(
    `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nExpect: tea\r\nConnection: close\r\n\r\n`,
  )
  expect(received).toMatch(/^HTTP\/1\.1 200 /)
  expect(received).toMatch(/^x-request-id: req_/im)
})

test('a request that names no host is refused', async () => {
  expectUnparsed(await send('GET /v1/tasks/x HTTP/1.1\r\nConnection: close\r\n\r\n'), 400)
})

test('what is not HTTP is refused', async () => {
  expectUnparsed(await send('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'), 400)
})

test.each(['/v1/tasks', '/oauth/token'])(
  'a client that hangs up in the middle of its body to %s is no failure of the broker',
  async (path) => {
    const refusals = async () => {
      const { body } = await broker.call('GET', '/metrics')
      const counts = (body as string).matchAll(/^\w+_count\{[^}]*status="400"[^}]*\} (\d+)$/gm)
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
    }
    const before = await refusals()
    const type = path === '/v1/tasks' ? 'application/json' : 'application/x-www-form-urlencoded'
    const authorization = `Authorization: Bearer ${await broker.workload()}`
    const lines = [`POST ${path} HTTP/1.1`, `Host: ${host}`, authorization, `Content-Type: ${type}`]
    const socket = connect(Number(port), hostname)
    socket.write([...lines, 'Content-Length: 100', 'Expect: 100-continue', '', '{'].join('\r\n'))
    // Answered when the request has been handed on: from here on it is the broker's.
    await once(socket, 'data')
    socket.destroy()
    await until(async () => (await refusals()) > before)
    expect(broker.log.join('')).not.toContain('went wrong')
  },
)
