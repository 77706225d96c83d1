/** What calls of upstreams have instead of `fetch`: answers read whole, bounded, and given up when they are to be. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { withinLimit } from '../../src/base/clock.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import { wallClock } from '../support/clock.ts'

const servers: Server[] = []
afterAll(() => servers.forEach((server) => server.close()))

async function addressOf(server: Server): Promise<string> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answering = async (listener: RequestListener) => `http://${await addressOf(createServer(listener))}/`
const fetch = pooledFetch({ env: {} })

test('an answer has its status, its headers by names in lower case, and all of its body', async () => {
  const url = await answering((request, response) => {
    response.writeHead(429, { 'Retry-After': '7', 'Set-Cookie': ['a=1', 'b=2'] })
    response.write(`${request.method} `)
    request.pipe(response)
  })
  const { status, headers, text } = await fetch(url, { method: 'POST', body: 'grüße' })
  expect({ status, retry: headers.get('retry-after'), cookies: headers.get('set-cookie') }).toEqual({
    status: 429,
    retry: '7',
    cookies: 'a=1, b=2',
  })
  expect(await text()).toBe('POST grüße')
})

test('what is told before the answer is no part of it', async () => {
  const url = await answering((_request, response) => {
    response.writeProcessing()
    response.end('done')
  })
  const { status, text } = await fetch(url)
  expect([status, await text()]).toEqual([200, 'done'])
})

test('an answer of more than 16 MB is given up', async () => {
  const url = await answering((_request, response) => {
    const chunk = Buffer.alloc(1 << 20, 'a')
    const more = () => response.writable && response.write(chunk, () => setImmediate(more))
    more()
  })
  await expect(fetch(url)).rejects.toThrow('an answer is longer than 16777216 bytes')
})

test('a connection that is cut in the middle of an answer is no answer', async () => {
  const url = await answering((_request, response) => {
    response.writeHead(200, { 'Content-Length': '100' })
    response.write('half', () => response.destroy())
  })
  await expect(fetch(url)).rejects.toThrow()
})

const reason = new Error('given up')

test.each([
  ['before it begins', async () => [await answering(() => undefined), Promise.resolve()] as const],
  [
    'while it waits for the answer',
    async () => {
      const asked = Promise.withResolvers<void>()
      return [await answering(() => asked.resolve()), asked.promise] as const
    },
  ],
  [
    'while it has no connection yet',
    async () => {
      const silent = createTcpServer(() => undefined)
      const connected = once(silent, 'connection')
      return [`https://${await addressOf(silent)}/`, connected] as const
    },
  ],
])('a request can be given up %s', async (when, begin) => {
  const [url, then] = await begin()
  const controller = new AbortController()
  if (when === 'before it begins') controller.abort(reason)
  const outcome = expect(fetch(url, { signal: controller.signal })).rejects.toBe(reason)
  await then
  controller.abort(reason)
  await outcome
})

test.each(['has a connection', 'waits for one'])(
  'what comes to be sent when its time is up is not sent, though no timer has run yet: it %s',
  async (which) => {
    const asked: string[] = []
    const url = await answering((request, response) => {
      asked.push(request.url!)
      response.end()
    })
    if (which === 'has a connection') await fetch(`${url}before`)
    const { clock, set } = wallClock()
    const late = withinLimit(clock, 20_000, async (signal) => {
      const sent = fetch(`${url}late`, { method: 'POST', signal })
      if (which === 'waits for one') await new Promise((resolve) => process.nextTick(resolve))
      set(20_000)
      return await sent
    })
    await expect(late).rejects.toThrow('no answer within 20000 ms')
    await withinLimit(clock, 20_000, (signal) => fetch(`${url}after`, { signal }))
    expect(asked).not.toContain('/late')
    expect(asked).toContain('/after')
  },
)
