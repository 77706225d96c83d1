import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { BrokerProblem, BrokerUnreachable, type Client, createClient } from '../../src/client/client.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { readWeb, startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'

let broker: TestBroker
let client: Client
beforeAll(async () => {
  broker = await startTestBroker()
  client = createClient({ url: `${broker.url}/` })
})
afterAll(() => broker[Symbol.asyncDispose]())

const open = async () => {
  const opened = await client.openTask(await broker.workload(), {
    purpose: 'a test',
    authorization_details: [writeWeb],
    ttl: 600,
  })
  return { opened, task: { id: opened.id, token: opened.task_token } }
}

/** A server that is not a broker. */
async function impostor(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const someTask = { id: 'task_0', token: `mft_${'x'.repeat(43)}` }

it('a task goes from its opening to its end, and its credential dies with it', async () => {
  const { opened, task } = await open()
  expect(opened).toMatchObject({ status: 'active', agent: 'refactor-bot', ttl: 600 })
  const { lease, credential } = await client.credential(task, readWeb, { context: { model: 'm' } })
  expect(await broker.use(String(credential['token']))).toBe(200)
  expect((await client.showTask(task)).leases).toMatchObject([{ id: lease.id, status: 'active' }])
  expect(await client.complete(task)).toMatchObject({ status: 'completed', leases: [{ status: 'revoked' }] })
  expect(await broker.use(String(credential['token']))).toBe(401)
})

it('a credential is given back while its task goes on', async () => {
  const { task } = await open()
  const { lease, credential } = await client.credential(task, writeWeb)
  expect(await client.giveBack(task, lease.id)).toMatchObject({ id: lease.id, status: 'revoked' })
  expect(await broker.use(String(credential['token']))).toBe(401)
  expect(await client.showTask(task)).toMatchObject({ status: 'active' })
})

it('an admin revokes by selector', async () => {
  const { task } = await open()
  await client.credential(task, writeWeb)
  const order = { selector: { task: task.id }, reason: 'a test' }
  expect(await client.revoke(await broker.admin(), order)).toMatchObject({ tasks: [task.id], revoked: 1 })
})

it('a refusal is a BrokerProblem with its code, its denials and the request id', async () => {
  const request = {
    purpose: 'a test',
    authorization_details: [{ ...writeWeb, repositories: ['acme/docs'] }],
  }
  const problem = await client.openTask(await broker.workload(), request).catch((error: unknown) => error)
  expect(problem).toBeInstanceOf(BrokerProblem)
  expect(problem).toMatchObject({
    status: 403,
    code: 'policy_denied',
    denials: [{ action: 'github.contents.write', policies: ['docs-are-read-only'] }],
    requestId: expect.stringMatching(/^req_/),
    retryAfter: undefined,
  })
})

it('opening again under the same idempotency key resumes the task', async () => {
  const identity = await broker.workload()
  const request = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }
  const first = await client.openTask(identity, request, { idempotencyKey: 'once' })
  const again = await client.openTask(identity, request, { idempotencyKey: 'once' })
  expect(again.id).toBe(first.id)
  await expect(client.openTask(identity, request)).rejects.toMatchObject({ code: 'token_replayed' })
})

it('a refusal that names a time to wait carries it', async () => {
  const url = await impostor((_request, response) =>
    response
      .writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': '7' })
      .end(JSON.stringify({ status: 503, code: 'provider_unavailable', detail: 'later' })),
  )
  const clock = manualClock()
  const call = asTimePasses(clock, createClient({ url, clock }).showTask(someTask))
  await expect(call).rejects.toMatchObject({ retryAfter: 7 })
})

describe('what is not a broker', () => {
  it.each<[string, RequestListener]>([
    ['answers with something else than JSON', (_request, response) => response.end('<html>')],
    ['refuses in its own words', (_request, response) => response.writeHead(500).end('{"error":"no"}')],
    ['cuts the connection', (request) => request.socket.destroy()],
    ['is a gateway to nothing', (_request, response) => response.writeHead(502).end('Bad Gateway')],
  ])('%s: BrokerUnreachable, with a remedy', async (_how, listener) => {
    const url = await impostor(listener)
    const clock = manualClock()
    const call = asTimePasses(clock, createClient({ url, clock }).showTask(someTask))
    const error = await call.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BrokerUnreachable)
    expect(error).toMatchObject({ remedy: expect.stringMatching(/^[A-Z].*\.$/) })
  })

  it('redirects elsewhere: the token does not go there', async () => {
    const seen: unknown[] = []
    const thief = await impostor((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{}')
    })
    const url = await impostor((_request, response) => response.writeHead(307, { Location: thief }).end())
    await expect(createClient({ url }).showTask(someTask)).rejects.toThrow('redirects')
    expect(seen).toEqual([])
  })
})

it('no token is sent in clear, nor to a URL that two readers could read differently', () => {
  for (const url of ['http://mayfly.example', 'https://a@b.example', 'https://mayfly.example/..', 'mayfly'])
    expect(() => createClient({ url })).toThrow(TypeError)
})

it('an id from elsewhere leads to no other path', () => {
  for (const id of ['..', 'a/b', '', '%2e%2e', 'task_1?'])
    expect(() => client.showTask({ ...someTask, id })).toThrow('not the id')
})

it('a token that is none is refused without being quoted', async () => {
  const token = 'first-line\nsecond-line'
  const error = await client.showTask({ ...someTask, token }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TypeError)
  expect(String((error as Error).stack)).not.toContain('first-line')
})

it("aborting is the caller's own error, not the broker's", async () => {
  const reason = new Error('enough')
  const call = client.showTask(someTask, { signal: AbortSignal.abort(reason) })
  await expect(call).rejects.toBe(reason)
})
