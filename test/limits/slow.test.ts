/** A sender that never comes to an end is cut off. Its limits are real time, so both run at once. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { hostname, port, host } = new URL(broker.url)

/** Sends `text`, then `drop` twice a second until it is cut off. Gives what was answered, and after how many seconds. */
async function drip(text: string, drop: string) {
  const started = performance.now()
  const socket = connect(Number(port), hostname)
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk))
  socket.on('error', () => {})
  socket.write(text)
  const dripping = setInterval(() => socket.write(drop), 500)
  await once(socket, 'close')
  clearInterval(dripping)
  return { received, seconds: (performance.now() - started) / 1000 }
}

test('headers have ten seconds, a body thirty, and the next request is served', async () => {
  const token = await broker.workload()
  const lines = [
    'POST /v1/tasks HTTP/1.1',
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Content-Length: 2000',
  ]
  const [headers, body] = await Promise.all([
    drip(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n`, 'X: y\r\n'),
    drip(`${lines.join('\r\n')}\r\n\r\n{`, ' '),
  ])
  expect(headers.received).toMatch(/^HTTP\/1\.1 408 /)
  expect(headers.received).toMatch(/^x-request-id: req_/im)
  expect(headers.seconds).toBeLessThan(15)
  expect(body.received).not.toMatch(/^HTTP\/1\.1 2/)
  expect(body.seconds).toBeGreaterThan(25)
  expect(body.seconds).toBeLessThan(35)

  const next = { token, body: { purpose: 'a test', authorization_details: [] } }
  expectRefusal(await broker.call('POST', '/v1/tasks', next), 400, 'invalid_request')
  expect((await broker.open()).status).toBe(201)
}, 60_000)
