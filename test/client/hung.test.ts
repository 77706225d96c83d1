/** What becomes of a call that is taken and not answered: by a broker that stands still behind what passes requests on. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Client, createClient } from '../../src/client/client.ts'
import { completeInTime } from '../../src/client/completion.ts'
import { findIdentity } from '../../src/client/identity.ts'
import { upstreamLimit } from '../../src/leases/upstream.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'
import { until } from '../support/until.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

/** What becomes of a request: it is passed on, nobody takes it up, or its answer is held back for ever. */
type Fate = 'pass' | 'hangs' | 'is done and hangs'

/** A client that calls the broker through a server of which requests meet `fates`, and from then on pass. */
async function behind(...fates: Fate[]) {
  const seen: { path: string; key: string | undefined }[] = []
  const server = createServer(async (request, response) => {
    const key = request.headers['idempotency-key'] as string | undefined
    seen.push({ path: request.url!, key })
    const fate = fates.shift() ?? 'pass'
    if (fate === 'hangs') return
    const answer = await passedOn(request)
    if (fate === 'pass') response.writeHead(answer.status).end(await answer.text())
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const clock = manualClock()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  /** Resolves once `count` requests have come. */
  const come = (count: number) => expect.poll(() => seen.length).toBe(count)
  return { url, clock, seen, come, client: createClient({ url, clock }) }
}

async function passedOn(request: IncomingMessage): Promise<Response> {
  const { authorization = '', 'idempotency-key': key } = request.headers
  const body = await buffer(request)
  return await fetch(broker.url + request.url!, {
    method: request.method!,
    headers: {
      authorization,
      'content-type': 'application/json',
      ...(key !== undefined && { 'idempotency-key': key as string }),
    },
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  })
}

const request = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }
const someTask = { id: 'task_0', token: `mft_${'x'.repeat(43)}` }
const always = Array.from({ length: 100 }, (): Fate => 'hangs')

/** A task that is open, and who may act in it. */
async function open() {
  const { id, task_token: token } = await createClient({ url: broker.url }).openTask(
    await broker.workload(),
    request,
  )
  return { id, token }
}

describe('is made again, under the same key', () => {
  it.each<Fate>(['hangs', 'is done and hangs'])('an opening that %s', async (fate) => {
    const { clock, client, seen, come } = await behind(fate)
    const opening = client.openTask(await broker.workload(), request)
    await come(1)
    await clock.advance(20_000)
    expect(await asTimePasses(clock, opening)).toMatchObject({ status: 'active' })
    expect(seen.map(({ key }) => key)).toEqual([seen[0]!.key, seen[0]!.key])
    expect(seen[0]!.key).toBeDefined()
  })

  it.each<Fate>(['hangs', 'is done and hangs'])(
    'a mint that %s, of which one credential lives',
    async (fate) => {
      const { clock, client, come } = await behind(fate)
      const task = await open()
      const minting = client.credential(task, writeWeb)
      await come(1)
      await clock.advance(60_000)
      const { lease } = await asTimePasses(clock, minting)
      const { leases } = await client.showTask(task)
      expect(leases.filter(({ status }) => status === 'active').map(({ id }) => id)).toEqual([lease.id])
    },
  )

  it('a completion', async () => {
    const { clock, client, come } = await behind('is done and hangs')
    const ending = client.complete(await open())
    await come(1)
    await clock.advance(30_000)
    expect(await asTimePasses(clock, ending)).toMatchObject({ status: 'completed' })
  })

  it("the runner's token endpoint", async () => {
    const { url, clock, seen, come } = await behind('hangs')
    const env = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/actions/token`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'token',
    }
    const asking = findIdentity({ env, audience: broker.url, clock })
    asking.catch(() => undefined)
    await come(1)
    await clock.advance(10_000)
    // The broker has no such path.
    await expect(asTimePasses(clock, asking)).rejects.toThrow('it answered 404')
    expect(seen).toHaveLength(2)
  })
})

/** Milliseconds in which the broker may still answer, as `docs/` has it and as its own limits are. */
const slow: [string, (client: Client) => Promise<unknown>, number][] = [
  ['look', (client) => client.showTask(someTask), 10_000],
  ['wait for a decision', (client) => client.showTask(someTask, { wait: 60 }), 70_000],
  [
    'mint after another was seen dead',
    (client) => client.credential(someTask, writeWeb),
    10_000 + upstreamLimit.mint + upstreamLimit.revoke,
  ],
  ['completion', (client) => client.complete(someTask), 20_000],
  ['reload', (client) => client.reload('token'), 60_000 - 1],
]

it.each(slow)('a %s is given its time', async (_what, call, ms) => {
  const { clock, client, seen, come } = await behind(...always)
  let over = false
  void call(client).catch(() => (over = true))
  await come(1)
  await clock.advance(ms)
  expect({ over, seen }).toMatchObject({ over: false, seen: { length: 1 } })
  await clock.advance(2_000)
  // It is made again, or given up where it must not be.
  await asTimePasses(
    clock,
    until(() => over || seen.length > 1),
  )
})

it('a broker that never answers is told of within a minute, after more than one attempt', async () => {
  const { url, clock, client, seen } = await behind(...always)
  const start = clock.now()
  const opening = asTimePasses(clock, client.openTask('token', request), 500)
  await expect(opening).rejects.toMatchObject({
    outcome: 'unknown',
    message: `${url} gave no answer within 17 seconds`,
    remedy: expect.stringContaining('try again'),
  })
  expect(clock.now() - start).toBeLessThan(60_000)
  expect(seen.length).toBeGreaterThan(1)
})

it.each<[string, (client: Client) => Promise<unknown>]>([
  ["a human's answer", (client) => client.approve('token', 'appr_1', { digest: 'd' })],
  ['a delegation', (client) => client.delegate(someTask, { agent: 'a', authorization_details: [writeWeb] })],
  ["an admin's word", (client) => client.lift('token', 'fence_1', 'a test')],
])('%s, which may have been counted, is not made again', async (_what, call) => {
  const { clock, client, seen } = await behind('hangs')
  await expect(asTimePasses(clock, call(client), 500)).rejects.toMatchObject({
    outcome: 'unknown',
    remedy: 'It may have been carried out: look at how things stand before you try again.',
  })
  expect(seen).toHaveLength(1)
})

it('the caller who has had enough waits no longer', async () => {
  const { client, come } = await behind('hangs')
  const enough = new AbortController()
  const call = client.complete(someTask, { signal: enough.signal })
  await Promise.all([
    expect(call).rejects.toThrow('enough'),
    come(1).then(() => enough.abort(new Error('enough'))),
  ])
})

it('a completion for which there is no time left says what becomes of the task', async () => {
  const { client } = await behind(...always)
  await expect(completeInTime(client, someTask, 20)).rejects.toMatchObject({
    name: 'BrokerUnreachable',
    remedy: expect.stringContaining('ends the task at its deadline'),
  })
})
