/** Second attempts: what a broker that restarts, or a network that drops an answer, makes of a call. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BrokerUnreachable, createClient } from '../../src/client/client.ts'
import { findIdentity, NoIdentity } from '../../src/client/identity.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

type Fetch = typeof globalThis.fetch
/** What becomes of one request: passed on, refused, its answer lost, or answered otherwise. */
type Fate = 'pass' | 'refused' | 'lost' | 'unknown CA' | (() => Response)

const failed = (code: string) =>
  Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) }))

/** A client whose requests meet `fates`, and from then on pass; with what was sent, and when. */
function through(...fates: Fate[]) {
  const clock = manualClock()
  const start = clock.now()
  const sent: { at: number; path: string; key: string | null }[] = []
  const call: Fetch = async (input, init) => {
    const { pathname } = new URL(input as string)
    sent.push({
      at: clock.now() - start,
      path: pathname,
      key: new Headers(init?.headers).get('Idempotency-Key'),
    })
    const fate = fates.shift() ?? 'pass'
    if (fate === 'refused') return failed('ECONNREFUSED')
    if (fate === 'unknown CA') return failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    if (typeof fate === 'function') return fate()
    const answer = await fetch(input, init)
    return fate === 'lost' ? failed('ECONNRESET') : answer
  }
  return { clock, sent, client: createClient({ url: broker.url, fetch: call, clock }) }
}

const problem =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ status, code, detail: 'later' }, { status, headers })
const request = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }
const always = (fate: Fate) => Array.from({ length: 100 }, () => fate)

describe('opening a task and minting in it', () => {
  it('outlast a broker that refuses connections for two seconds', async () => {
    const { clock, client, sent } = through('refused', 'refused', 'refused')
    const identity = await broker.workload()
    const task = await asTimePasses(clock, client.openTask(identity, request))
    expect(task.status).toBe('active')
    expect(sent).toHaveLength(4)
  })

  it('spend a single-use token once, whatever answer was lost on the way', async () => {
    const { clock, client, sent } = through('lost', 'lost')
    const { id, task_token: token } = await asTimePasses(
      clock,
      client.openTask(await broker.workload(), request),
    )
    expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
    expect(sent[0]?.key).not.toBeNull()
    expect(await client.showTask({ id, token })).toMatchObject({ status: 'active', leases: [] })
  })

  it('leave one credential alive where the answer that held another was lost', async () => {
    const { clock, client } = through('pass', 'lost')
    const { id, task_token: token } = await client.openTask(await broker.workload(), request)
    const { lease } = await asTimePasses(clock, client.credential({ id, token }, writeWeb))
    const { leases } = await client.showTask({ id, token })
    expect(leases.map((each) => [each.id === lease.id, each.status])).toEqual([
      [false, 'revoked'],
      [true, 'active'],
    ])
  })

  it('have a key of their own for each call: two mints are two credentials', async () => {
    const { client } = through()
    const { id, task_token: token } = await client.openTask(await broker.workload(), request)
    const task = { id, token }
    await client.credential(task, writeWeb)
    await client.credential(task, writeWeb)
    expect((await client.showTask(task)).leases.map(({ status }) => status)).toEqual(['active', 'active'])
  })
})

describe('how long', () => {
  it('a time that the broker names is waited', async () => {
    const { clock, client, sent } = through(problem(503, 'unavailable', { 'Retry-After': '7' }))
    await asTimePasses(clock, client.openTask(await broker.workload(), request))
    expect(sent[1]!.at).toBeGreaterThanOrEqual(7_000)
  })

  it('one that is too long is told instead', async () => {
    const { client, sent } = through(problem(429, 'limit_exceeded', { 'Retry-After': '60' }))
    await expect(client.openTask(await broker.workload(), request)).rejects.toMatchObject({ retryAfter: 60 })
    expect(sent).toHaveLength(1)
  })

  it('ever longer pauses, and fifteen seconds at most', async () => {
    const { clock, client, sent } = through(...always('refused'))
    const ended = asTimePasses(clock, client.openTask(await broker.workload(), request))
    const remedy = 'Check the url (MAYFLY_URL), and that the broker is running.'
    await expect(ended).rejects.toMatchObject({ outcome: 'unsent', remedy })
    expect(sent.length).toBeGreaterThan(5)
    expect(sent.length).toBeLessThan(12)
    expect(sent.at(-1)!.at).toBeLessThanOrEqual(15_000)
  })

  it('not at all once the caller has had enough', async () => {
    const { client, sent } = through(...always('refused'))
    const enough = new AbortController()
    const call = client.openTask(await broker.workload(), request, { signal: enough.signal })
    await expect.poll(() => sent).toHaveLength(1)
    enough.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    expect(sent).toHaveLength(1)
  })
})

describe('no second attempt', () => {
  it.each<[string, Fate]>([
    ['at what is refused for good', problem(403, 'policy_denied')],
    ['where TLS fails', 'unknown CA'],
    ['at what is no broker', () => new Response('<html>')],
  ])('%s', async (_what, fate) => {
    const { client, sent } = through(fate)
    await expect(client.openTask(await broker.workload(), request)).rejects.toThrow()
    expect(sent).toHaveLength(1)
  })

  it('at an answer of a human that may have been counted', async () => {
    const { client, sent } = through('lost')
    const call = client.approve(await broker.admin(), 'approval_1', { digest: 'd' })
    await expect(call).rejects.toBeInstanceOf(BrokerUnreachable)
    expect(sent).toHaveLength(1)
  })
})

it("an admin's order that never arrived is sent again", async () => {
  const { clock, client, sent } = through('refused', problem(503, 'unavailable'))
  const call = client.suspend(await broker.admin(), 'nobody', 'a test')
  await expect(asTimePasses(clock, call)).rejects.toMatchObject({ code: 'not_found' })
  expect(sent).toHaveLength(3)
})

it('what stands before a broker that restarts does not answer for it', async () => {
  const { clock, client } = through(() => new Response('<html>Bad Gateway', { status: 502 }))
  const task = await asTimePasses(clock, client.openTask(await broker.workload(), request))
  expect(task.status).toBe('active')
})

describe("the runner's token endpoint", () => {
  const audience = 'https://mayfly.example'
  const job = () => {
    const { url, requestToken } = broker.sandbox.issuer.actions({ sub: 'repo:acme/web' })
    return { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken }
  }
  const asked = () => broker.sandbox.issuer.requests.filter(({ path }) => path === '/actions/token').length
  const failing = (status: number, times: number) => {
    const fault = {
      kind: 'status',
      status,
      times,
      on: ({ path }: { path: string }) => path === '/actions/token',
    } as const
    return broker.sandbox.issuer.faults.add(fault)
  }

  it.each([503, 500, 429])('is asked again after it answered %i', async (status) => {
    const clock = manualClock()
    const before = asked()
    failing(status, 1)
    expect(await asTimePasses(clock, findIdentity({ env: job(), audience, clock }))).toMatch(/^eyJ/)
    expect(asked() - before).toBe(2)
  })

  it('is asked once where it refuses', async () => {
    const before = asked()
    const env = { ...job(), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'not-of-a-job' }
    await expect(findIdentity({ env, audience })).rejects.toBeInstanceOf(NoIdentity)
    expect(asked() - before).toBe(1)
  })

  it('is given up in the end, with what it answered', async () => {
    const clock = manualClock()
    const fault = failing(503, 100)
    await expect(asTimePasses(clock, findIdentity({ env: job(), audience, clock }))).rejects.toThrow('503')
    fault.clear()
  })
})
