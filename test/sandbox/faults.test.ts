import { expect, onTestFinished, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import type { Fault } from '../../src/sandbox/faults.ts'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { manualClock } from '../support/clock.ts'
import { mintPath, world } from './client.ts'

async function startedIssuer(clock: Clock = manualClock()) {
  const issuer = await startIssuer(clock)
  onTestFinished(() => issuer.close())
  return issuer
}

const everything = { permissions: { contents: 'read' } }

test('a status is answered with its headers and body, and nothing is minted', async () => {
  const { github, ledger, asApp } = await world()
  const headers = { 'retry-after': '7' }
  github.faults.add({ kind: 'status', status: 429, headers, body: { message: 'secondary rate limit' } })
  const answer = await asApp('POST', mintPath, everything)
  expect(answer.status).toBe(429)
  expect(answer.headers.get('retry-after')).toBe('7')
  expect(answer.body).toEqual({ message: 'secondary rate limit' })
  expect(ledger.entries).toEqual([])
})

test('a status may have a body that is no JSON, or none', async () => {
  const issuer = await startedIssuer()
  issuer.faults.add({ kind: 'status', status: 200, body: 'x'.repeat(100_000), times: 1 })
  issuer.faults.add({ kind: 'status', status: 302, headers: { location: 'http://else.test/' }, times: 1 })
  expect(await (await fetch(`${issuer.url}/jwks`)).text()).toHaveLength(100_000)
  const redirect = await fetch(`${issuer.url}/jwks`, { redirect: 'manual' })
  expect([redirect.status, redirect.headers.get('location')]).toEqual([302, 'http://else.test/'])
})

test('a reset cuts the connection, and nothing is minted', async () => {
  const { github, ledger, asApp } = await world()
  github.faults.add({ kind: 'reset' })
  await expect(asApp('POST', mintPath, everything)).rejects.toThrow('fetch failed')
  expect(ledger.entries).toEqual([])
})

test('a reset after processing leaves a token that its client never sees', async () => {
  const { github, ledger, asApp, clock } = await world()
  github.faults.add({ kind: 'reset-after-processing' })
  await expect(asApp('POST', mintPath, everything)).rejects.toThrow('fetch failed')
  expect(ledger.alive(clock.now())).toHaveLength(1)
})

test('a revocation cut off after processing has revoked', async () => {
  const { github, ledger, call, mint, clock } = await world()
  const token = await mint()
  github.faults.add({ kind: 'reset-after-processing' })
  await expect(call('DELETE', '/installation/token', `token ${token}`)).rejects.toThrow('fetch failed')
  expect(ledger.alive(clock.now())).toEqual([])
})

test('garbage is a success that is not JSON, and the token was minted', async () => {
  const { github, ledger, asApp } = await world()
  github.faults.add({ kind: 'garbage' })
  await expect(asApp('POST', mintPath, everything)).rejects.toThrow(SyntaxError)
  expect(ledger.entries).toHaveLength(1)
})

test('a rewritten answer keeps its status and says more than was granted', async () => {
  const { github, asApp } = await world()
  github.faults.add({
    kind: 'rewrite',
    rewrite: (body) => ({ ...(body as object), permissions: { administration: 'write' } }),
  })
  const answer = await asApp('POST', mintPath, everything)
  expect(answer.status).toBe(201)
  expect(answer.body.permissions).toEqual({ administration: 'write' })
  expect(answer.body.token).toMatch(/^ghs_/)
})

test('a slow answer comes when its time has passed, and not before', async () => {
  const clock = manualClock()
  const armed = Promise.withResolvers<number>()
  const after: typeof clock.after = (ms, fn) => {
    const timer = clock.after(ms, fn)
    armed.resolve(ms)
    return timer
  }
  const issuer = await startedIssuer({ ...clock, after })
  issuer.faults.add({ kind: 'slow', ms: 30_000 })
  let answered = false
  const answer = fetch(`${issuer.url}/jwks`).then((response) => {
    answered = true
    return response.status
  })
  expect(await armed.promise).toBe(30_000)
  await clock.advance(29_999)
  expect(answered).toBe(false)
  await clock.advance(1)
  expect(await answer).toBe(200)
})

test('closing cuts what hangs and what is slow, and leaves no timer behind', async () => {
  const clock = manualClock()
  const armed = Promise.withResolvers<void>()
  let timers = 0
  const after: Clock['after'] = (ms, fn) => {
    const timer = clock.after(ms, fn)
    timers += 1
    armed.resolve()
    return {
      cancel() {
        timers -= 1
        timer.cancel()
      },
    }
  }
  const issuer = await startedIssuer({ ...clock, after })
  const hanging = Promise.withResolvers<void>()
  const faults: Fault[] = [
    { kind: 'slow', ms: 1000, times: 1 },
    { kind: 'hang', on: () => (hanging.resolve(), true) },
  ]
  for (const fault of faults) issuer.faults.add(fault)
  const answers = Promise.allSettled(faults.map(() => fetch(`${issuer.url}/jwks`)))
  await Promise.all([armed.promise, hanging.promise])
  await issuer.close()
  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(timers).toBe(0)
})

test('a fault strikes the requests that it is for, as often as it is told', async () => {
  const issuer = await startedIssuer()
  const fault = issuer.faults.add({
    kind: 'status',
    status: 503,
    times: 2,
    on: ({ path }) => path === '/jwks',
  })
  const statuses: number[] = []
  for (const path of ['/.well-known/openid-configuration', '/jwks', '/jwks', '/jwks']) {
    statuses.push((await fetch(issuer.url + path)).status)
  }
  expect(statuses).toEqual([200, 503, 503, 200])
  expect(fault.hits).toBe(2)
})

test('of two faults the first strikes alone, until it is cleared', async () => {
  const issuer = await startedIssuer()
  const first = issuer.faults.add({ kind: 'status', status: 500 })
  const second = issuer.faults.add({ kind: 'status', status: 502 })
  const status = async () => (await fetch(`${issuer.url}/jwks`)).status
  expect(await status()).toBe(500)
  first.clear()
  expect(await status()).toBe(502)
  issuer.faults.clear()
  expect(await status()).toBe(200)
  expect([first.hits, second.hits]).toEqual([1, 1])
})

test('a status is said by upstream itself, in its words unless others are given', async () => {
  const { github, call } = await world()
  github.faults.add({ kind: 'status', status: 401 })
  const answer = await call('GET', '/installation/repositories', 'token none')
  expect(answer.status).toBe(401)
  expect(answer.headers.get('x-github-request-id')).toMatch(/^[\dA-F:]+$/)
  expect(answer.body).toMatchObject({ message: 'Unauthorized', status: '401' })
})

test('a stranger answers in its own words, and upstream hears nothing', async () => {
  const { github, ledger } = await world()
  github.faults.add({ kind: 'stranger', status: 401 })
  const answer = await fetch(github.url + mintPath, { method: 'POST' })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('content-type')).toBe('text/html')
  expect(answer.headers.has('x-github-request-id')).toBe(false)
  expect(ledger.entries).toEqual([])
})

test('what pretends answers as if it had done it, and has not', async () => {
  const { github, ledger, call, mint, clock } = await world()
  const token = await mint()
  github.faults.add({ kind: 'pretend', times: 1 })
  const answer = await call('DELETE', '/installation/token', `token ${token}`)
  expect(answer.status).toBe(204)
  expect(answer.headers.has('x-github-request-id')).toBe(true)
  expect(ledger.alive(clock.now())).toHaveLength(1)
})

test("another's answer is what was said to the request before of the same kind", async () => {
  const { github, asApp } = await world()
  const ids = async () => (await asApp('POST', mintPath, everything)).body.token
  github.faults.add({ kind: 'anothers', times: 2 })
  const first = await ids()
  expect(await ids()).toBe(first)
  expect(await ids()).not.toBe(first)
})

test('a revoked token may work on for a while, and a new one be refused either way', async () => {
  const { github, call, mint, clock } = await world()
  const status = async (token: string) =>
    (await call('GET', '/installation/repositories', `token ${token}`)).status
  github.settings.revocationDelay = 2_000
  const old = await mint()
  await call('DELETE', '/installation/token', `token ${old}`)
  expect(await status(old)).toBe(200)
  await clock.advance(2_000)
  expect(await status(old)).toBe(401)
  for (const refusal of [401, 403] as const) {
    Object.assign(github.settings, { replicationDelay: 3_000, replicationRefusal: refusal })
    const fresh = await mint()
    expect(await status(fresh)).toBe(refusal)
    await clock.advance(3_000)
    expect(await status(fresh)).toBe(200)
  }
})
