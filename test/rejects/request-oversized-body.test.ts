import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: { limits: { body_bytes: 2048 } } })

test('a body over the limit is refused', async () => {
  expectRefusal(await broker.open({ purpose: 'x'.repeat(3000) }), 413, 'invalid_request')
})

test('a body that does not say how long it is, is read to the limit and no further', async () => {
  let sent = 0
  const endless = new ReadableStream({
    pull(controller) {
      sent += 1024
      controller.enqueue(new TextEncoder().encode(' '.repeat(1024)))
    },
  })
  const headers = { Authorization: `Bearer ${await broker.workload()}`, 'Content-Type': 'application/json' }
  const answer = fetch(`${broker.url}/v1/tasks`, { method: 'POST', headers, body: endless, duplex: 'half' })
  // The answer may be lost with the connection, which is closed on a client that goes on sending.
  const status = await answer.then((response) => response.status).catch(() => 'cut off')
  expect([413, 'cut off']).toContain(status)
  expect(sent).toBeLessThan(16 * 1024 * 1024)
  expect(rows(broker, 'tasks')).toEqual([])
})

test('afterwards it serves on', async () => {
  expect((await broker.open()).status).toBe(201)
})
