/** What `/metrics` says of a broker that has minted, failed, revoked and waited. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ask } from '../support/approvals.ts'
import { mints, revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { faults } = broker.sandbox.github

/** The value of the line that begins so; undefined where there is none. */
async function value(series: string): Promise<number | undefined> {
  const { body } = await broker.call('GET', '/metrics')
  const line = (body as string).split('\n').find((each) => each.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}
const of = (operation: string) => `provider="github",connection="acme",operation="${operation}"`

test('mints and revocations are timed by provider, connection and operation', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  await broker.complete(task)
  for (const operation of ['mint', 'revoke', 'probe'])
    expect(await value(`mayfly_upstream_duration_seconds_count{${of(operation)}}`)).toBe(1)
  expect(await value(`mayfly_upstream_duration_seconds_sum{${of('mint')}}`)).toBeGreaterThan(0)
})

test('what upstream fails at is counted by code, as is what callers are refused', async () => {
  const { body: task } = await broker.open()
  const refusing = faults.add({ kind: 'status', status: 422, body: { message: 'no' }, on: mints, times: 1 })
  await broker.mint(task)
  refusing.clear()
  const failing = faults.add({ kind: 'status', status: 503, on: mints, times: 1 })
  expect((await broker.mint(task)).status).toBe(503)
  failing.clear()
  expect(await value(`mayfly_upstream_failures_total{${of('mint')},code="provider_unavailable"}`)).toBe(1)
  expect(await value(`mayfly_upstream_failures_total{${of('mint')},code="provider_rejected"}`)).toBe(1)
  expect(await value('mayfly_refusals_total{code="provider_unavailable"}')).toBe(1)
  await broker.call('GET', '/v1/tasks/task_x', { token: 'mft_none' })
  expect(await value('mayfly_refusals_total{code="invalid_token"}')).toBe(1)
  await broker.complete(task)
})

test('a revocation that fails at first is counted, and its lag measured until the credential was seen dead', async () => {
  const series = (ending: string) => `mayfly_revocation_lag_seconds_${ending}{provider="github"}`
  const [count = 0, sum = 0] = [await value(series('count')), await value(series('sum'))]
  const { body: task } = await broker.open()
  await broker.mint(task)
  faults.add({ kind: 'status', status: 503, on: revokes, times: 1 })
  await broker.complete(task)
  await until(async () => ((await value(series('count'))) ?? 0) > count)
  expect(await value(`mayfly_upstream_failures_total{${of('revoke')},code="provider_unavailable"}`)).toBe(1)
  // It was tried again after a quarter of a second at least.
  expect((await value(series('sum')))! - sum).toBeGreaterThan(0.2)
})

test('what is open and what waits for approval is counted, and what waits for its turn upstream', async () => {
  const before = await value('mayfly_open_tasks{status="active"}')
  const waiting = await ask(broker)
  const { body: task } = await broker.open()
  expect(await value('mayfly_pending_approvals')).toBe(1)
  expect(await value('mayfly_open_tasks{status="pending_approval"}')).toBe(1)
  expect(await value('mayfly_open_tasks{status="active"}')).toBe(before! + 1)
  for (const each of [waiting, task]) await broker.complete(each)
  expect(await value('mayfly_pending_approvals')).toBe(0)
  expect(await value('mayfly_queue_length{provider="github",connection="acme",queue="revocations"}')).toBe(0)
  expect(await value('mayfly_upstream_concurrency{provider="github",connection="acme"}')).toBeGreaterThan(1)
})

test('the time in use is the machine’s, and without a certificate there is no word of one', async () => {
  expect(await value('mayfly_clock_ahead_seconds')).toBeLessThan(1)
  expect(await value('mayfly_certificate_expiry_timestamp_seconds')).toBeUndefined()
})

test('what is shown never reads all leases or tasks', () => {
  // Each of the sources is one of these, which are counted as they are written, or in memory.
  const composition = readFileSync(join(import.meta.dirname, '../../src/broker/broker.ts'), 'utf8')
  const [, sources = ''] = /metrics\.watch\(\{(.*?)\n {2}\}\)/s.exec(composition) ?? []
  expect([...sources.matchAll(/\b(?:leases|tasks|fences)\.(\w+)\(/g)].map(([, method]) => method)).toEqual([
    'countByStatus',
    'countByStatus',
    'countByKind',
  ])
})
