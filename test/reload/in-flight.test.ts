/** Requests under way while the configuration changes: each sees one, and none outlives it. */
import { type ClientRequest, request } from 'node:http'
import { once } from 'node:events'
import { beforeEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { form } from '../support/oauth-form.ts'
import { readWeb } from '../support/broker.ts'
import { discrepancies } from '../support/audit.ts'
import { mints } from '../support/github.ts'
import { until } from '../support/until.ts'
import { filesOf } from '../support/broker-files.ts'

const broker = await describedBroker()
const { github, ledger } = broker.sandbox
const files = await filesOf(broker, 'policies/acme.cedar')
const { configure, reload, write } = files
const closed = '@id("none") forbid (principal, action, resource);'

beforeEach(async () => {
  github.faults.clear()
  await files.restore()
  expect((await reload()).status).toBe(200)
  await broker.revoke({ all: true })
})

/** An exchange whose body is still being sent: it has begun, under the configuration of this moment. */
async function begun() {
  const body = new URLSearchParams((await form(broker)) as Record<string, string>).toString()
  const sent: ClientRequest = request(`${broker.url}/oauth/token`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': Buffer.byteLength(body),
      Expect: '100-continue',
    },
  })
  sent.flushHeaders()
  // The server answers so when it hands the request on.
  await once(sent, 'continue')
  return async () => {
    sent.end(body)
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode as number, body: JSON.parse(text) }
  }
}

test('a mint that upstream is slow with is revoked when its policy has gone meanwhile', async () => {
  const { body: task } = await broker.open()
  const slow = github.faults.add({ kind: 'slow', ms: 2_000, on: mints, times: 1 })
  const minting = broker.mint(task, readWeb)
  await until(() => slow.hits === 1)
  await write('policies/acme.cedar', closed)
  expect((await reload()).status).toBe(200)
  expect((await minting).body.code).toBe('task_not_active')
  await until(() => ledger.alive().length === 0)
  expect((await broker.read(task)).body).toMatchObject({ end_reason: 'policy_changed' })
})

test('a mint that upstream is slow with goes through a reload that changes nothing for it', async () => {
  const { body: task } = await broker.open()
  const slow = github.faults.add({ kind: 'slow', ms: 300, on: mints, times: 1 })
  const minting = broker.mint(task, readWeb)
  await until(() => slow.hits === 1)
  await configure((settings) => (settings.limits = { live_leases: { task: 7 } }))
  expect((await reload()).status).toBe(200)
  const { status, body } = await minting
  expect(status).toBe(201)
  expect(await broker.use(body.credential.token)).toBe(200)
})

test('what was granted under the old rules after the new ones came does not outlive the request', async () => {
  const finish = await begun()
  await write('policies/acme.cedar', closed)
  expect((await reload()).status).toBe(200)
  const { status, body } = await finish()
  if (status === 200) await until(async () => (await broker.use(body.access_token)) === 401)
  expect(ledger.alive()).toEqual([])
})

test('a connection that is gone mints nothing for a request that began while it was there', async () => {
  const finish = await begun()
  await configure((settings) => (settings.providers = {}))
  expect((await reload()).status).toBe(200)
  const minted = ledger.entries.length
  const { status, body } = await finish()
  expect({ status, error: body.error }).toEqual({ status: 503, error: 'temporarily_unavailable' })
  expect(ledger.entries).toHaveLength(minted)
})

test('many reloads under load: every request is answered, and the books agree', async () => {
  let going = true
  const load = Array.from({ length: 4 }, async () => {
    const seen: number[] = []
    while (going) {
      const { status, body: task } = await broker.open()
      seen.push(status)
      if (status !== 201) continue
      seen.push((await broker.mint(task, readWeb)).status, (await broker.complete(task)).status)
    }
    return seen
  })
  for (let count = 0; count < 6; count += 1) {
    await configure((settings) => (settings.limits = { live_leases: { task: 10 + count } }))
    const [one, other] = await Promise.all([reload(), reload()])
    expect([one.status, other.status]).toEqual([200, 200])
  }
  going = false
  const seen = new Set((await Promise.all(load)).flat())
  expect(seen).toEqual(new Set([200, 201]))
  expect(ledger.alive()).toEqual([])
  expect(await discrepancies(broker)).toEqual([])
})
