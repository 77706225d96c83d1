/** The record as an admin reads it: what is asked for, nothing else, and in a form that is verified elsewhere. */
import { expect, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, rerun, withSessions } from '../support/runs.ts'

const clock = manualClock(Date.parse('2026-11-02T12:00:00Z'))
const broker = await describedBroker({ clock, ...withSessions() })
const list = async (query: string) =>
  broker.call('GET', `/v1/admin/audit?${query}`, { token: await broker.admin() })
const items = async (query: string) => (await list(`limit=1000&${query}`)).body.items
const types = async (query: string) => (await items(query)).map(({ type }: { type: string }) => type)

const run = aRun()
const { body: task } = await broker.open({ authorization_details: [readWeb] }, run)
const { body: minted } = await broker.mint(task, readWeb)
await broker.mint(task, writeWeb)
await clock.advance(60_000)
const secrets = { ...writeWeb, permissions: { secrets: 'write' } }
await broker.open({ authorization_details: [secrets] }, run)
await broker.complete(task)
await broker.open({}, rerun(run))
await broker.open({}, aRun())

test('by a time, not before it and before it', async () => {
  const all = await items('')
  const at = '2026-11-02T12:01:00.000Z'
  const since = await items(`since=${at}`)
  const before = await items(`until=${encodeURIComponent('2026-11-02T13:01:00+01:00')}`)
  expect([...since, ...before]).toEqual(all)
  for (const event of since) expect(event.at >= at).toBe(true)
  for (const event of before) expect(event.at < at).toBe(true)
  expect(since.length * before.length).toBeGreaterThan(0)
})

test('by the run that it came of: what it opened, held, gave back, and was refused', async () => {
  const whole = [
    'task.opened',
    'lease.intended',
    'lease.minted',
    'request.denied',
    'request.denied',
    'task.ended',
    'lease.retired',
    'lease.revoked',
    'lease.evidence',
  ]
  expect(await types(`order=oldest&run=check_run_id=${run.check_run_id}`)).toEqual(whole)
  expect(await types(`order=oldest&run=${run.check_run_id}`)).toEqual(whole)
  // Another attempt is of the same run.
  expect(await types(`run=run_id=${run.run_id}&type=task.opened`)).toEqual(['task.opened', 'task.opened'])
  for (const none of ['run_id=', 'run_attempt', `${run.run_id}0`, `job=${run.run_id}`, '%', "'"])
    expect(await types(`run=${encodeURIComponent(none)}`)).toEqual([])
})

test('a fence on a run is found with it, and so is a token of it that comes back', async () => {
  const other = aRun()
  const token = await broker.workload(other)
  const body = { purpose: 'a test', authorization_details: [readWeb] }
  const { body: opened } = await broker.call('POST', '/v1/tasks', { token, body })
  await broker.call('POST', '/v1/tasks', { token, body })
  await broker.revoke({ session: opened.id })
  expect(await types(`order=oldest&run=run_id=${other.run_id}`)).toEqual([
    'task.opened',
    'token.replayed',
    'fence.raised',
    'task.ended',
  ])
})

test('by the fingerprint of a credential: all that befell it, also when it is over', async () => {
  const fingerprint = encodeURIComponent(minted.lease.fingerprint)
  expect(await items(`fingerprint=${fingerprint}`)).toEqual(await items(`lease=${minted.lease.id}`))
  expect(await types(`fingerprint=${fingerprint}`)).toContain('lease.revoked')
  expect(await types('fingerprint=x')).toEqual([])
})

test('the oldest first, in pages', async () => {
  const forward: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body }: { body: { items: unknown[]; next: string | null } } = await list(
      `order=oldest&limit=3${cursor && `&cursor=${cursor}`}`,
    )
    forward.push(...body.items)
    cursor = body.next
  }
  expect(forward).toEqual((await items('')).toReversed())
})

test('each event names its key and what it follows', async () => {
  const all = await items('order=oldest')
  for (const [index, { seq, key, previous }] of all.entries()) {
    expect({ seq, key }).toEqual({ seq: index + 1, key: 'k1' })
    if (index > 0) expect(previous).toBe(all[index - 1].mac)
  }
})

test('one by its number', async () => {
  const token = await broker.admin()
  const [, third] = await items('order=oldest')
  expect((await broker.call('GET', `/v1/admin/audit/${third.seq}`, { token })).body).toEqual(third)
  const none = await broker.call('GET', '/v1/admin/audit/100000', { token })
  expectRefusal(none, 404, 'not_found')
  for (const no of ['0', '-1', '1.5', 'x'])
    expectRefusal(await broker.call('GET', `/v1/admin/audit/${no}`, { token }), 400, 'invalid_request')
})

test.each([
  'since=yesterday',
  'since=2026-11-02',
  'until=2026-11-02T12:00:00',
  'order=random',
  'run=',
  'fingerprint=',
])('a query that means nothing is refused, never ignored: %s', async (query) => {
  expectRefusal(await list(query), 400, 'invalid_request')
})
