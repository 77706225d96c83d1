/** The action's calls of a broker that takes one and does not answer it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { upstreamLimit } from '../../src/leases/upstream.ts'
// @ts-expect-error: it is JavaScript, as GitHub's runner runs it.
import { call, waits } from '../../action/broker.mjs'

const limits = { token: 'token', key: 'key', body: '{}', withinMs: 50 }

/** A broker that does not answer the first `hanging` requests; with their keys. */
async function standingStill(hanging: number) {
  const keys: unknown[] = []
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'])
    if (keys.length > hanging) response.end('{"id":"task_1"}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys }
}

test('the call is made again under the same key, however little time there was', async () => {
  const { url, keys } = await standingStill(1)
  // With the first attempt's time counted there would be none left.
  expect(await call(url, '/v1/tasks', { ...limits, forMs: 510 })).toEqual({ id: 'task_1' })
  expect(keys).toEqual(['key', 'key'])
})

test('one that is never answered is given up, and says what to look at', async () => {
  const { url } = await standingStill(Infinity)
  await expect(call(url, '/v1/tasks', { ...limits, forMs: 20 })).rejects.toThrow(
    /^there is no answer: .*Check the url, and that the server there is running$/,
  )
})

test('a mint and an end have the time that the broker gives upstream', () => {
  expect(waits.mint).toBeGreaterThanOrEqual(upstreamLimit.mint + upstreamLimit.revoke)
  expect(waits.ending).toBeGreaterThanOrEqual(upstreamLimit.revoke)
})
