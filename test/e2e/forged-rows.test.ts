/** Someone who can write to the database of a running broker, and wants credentials. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { sha256 } from '../../src/base/sha256.ts'
import { type Answer, readWeb } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

const sql = (text: string, ...values: (string | number)[]) =>
  beside(broker, (db) => db.prepare(text).run(...values))

async function expectNothingMinted(task: Answer['body']) {
  const minted = ledger.entries.length
  expectRefusal(await broker.mint(task, readWeb), 409, 'task_not_active')
  expect(ledger.entries).toHaveLength(minted)
}

test('a completed task is not opened again', async () => {
  const { body: task } = await broker.open()
  await broker.complete(task)
  sql("update tasks set status = 'active', ended_at = null, end_reason = null where id = ?", task.id)
  await expectNothingMinted(task)
})

test.each([
  ['expires_at', Date.now() + 86_400_000],
  ['agent', 'another-bot'],
  ['scope', '[{"provider":"github","connection":"acme","detail":{"type":"github"}}]'],
  ['context', '{"approved":"yes"}'],
  ['root', 'task_0'],
])('a task with another %s gets nothing', async (column, value) => {
  const { body: task } = await broker.open()
  sql(`update tasks set ${column} = ? where id = ?`, value, task.id)
  await expectNothingMinted(task)
  expect((await broker.complete(task)).status).toBe(200)
})

test('a token of one’s own put into somebody else’s task opens nothing, and can end it', async () => {
  const { body: task } = await broker.open()
  const token = `mft_${randomBytes(32).toString('base64url')}`
  sql('update tasks set token_hash = ? where id = ?', sha256(token), task.id)
  await expectNothingMinted({ ...task, task_token: token })
  const { body: ended } = await broker.complete({ ...task, task_token: token })
  expect(ended).toMatchObject({ status: 'completed', damaged: 'it is not as it was written' })
})

test('an Idempotency-Key that was made to stand for somebody else’s task resumes nothing', async () => {
  const { body: theirs } = await broker.open()
  const headers = { 'Idempotency-Key': 'mine' }
  const body = { purpose: 'mine', authorization_details: [readWeb], ttl: 600 }
  const token = await broker.workload()
  const open = () => broker.call('POST', '/v1/tasks', { token, headers, body })
  const { body: mine } = await open()
  sql('update idempotency set task = ? where task = ?', theirs.id, mine.id)
  expectRefusal(await open(), 503, 'unavailable')
  expect((await broker.mint(theirs)).status).toBe(201)
})

test.each([
  ['deadline', 9e15],
  ['due_at', 9e15],
  ['status', 'revoked'],
  ['agent', 'another-bot'],
])('a lease with another %s is revoked as soon as it is seen, by itself', async (column, value) => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  sql(`update leases set ${column} = ?, due_at = null where id = ?`, value, minted.lease.id)
  await until(() => ledger.find(minted.credential.token)!.revokedAt)
  expect(
    broker.log.some((line) => line.includes('is not as it was written') && line.includes(minted.lease.id)),
  ).toBe(true)
  await broker.complete(task)
})

test.each([
  ['the key', "key = key || 'x'"],
  ['the time until which it is kept', 'until = 1'],
])('a token that was used up is not made good by altering %s in its row', async (_, set) => {
  const token = await broker.workload()
  const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
  const open = () => broker.call('POST', '/v1/tasks', { token, body })
  await open()
  const kept = beside(broker, (db) => db.prepare('select * from used_tokens').all())
  sql(`update used_tokens set ${set}`)
  for (let n = 0; n < 2; n += 1) expect([401, 503]).toContain((await open()).status)
  expectRefusal(await broker.open(), 503, 'unavailable')
  sql('delete from used_tokens')
  for (const row of kept)
    sql('insert into used_tokens values (?, ?, ?)', ...(Object.values(row) as (string | number)[]))
  expectRefusal(await open(), 401, 'token_replayed')
})

test('a token that was used up is not made good by deleting its row; health tells, and what is alive is ended', async () => {
  const token = await broker.workload()
  const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
  const open = () => broker.call('POST', '/v1/tasks', { token, body })
  const { body: task } = await open()
  const { body: minted } = await broker.mint(task, readWeb)
  const kept = beside(broker, (db) => db.prepare('select * from used_tokens').all())
  sql('delete from used_tokens')
  expectRefusal(await open(), 503, 'unavailable')
  expectRefusal(await broker.mint(task, readWeb), 503, 'unavailable')
  expectRefusal(await broker.call('GET', '/readyz'), 503, 'unavailable')
  // Every few seconds a probe asks: that says why, and not where in the code.
  const logged = JSON.parse(broker.log.findLast((line) => line.includes('/readyz'))!) as object
  expect(logged).toMatchObject({ level: 'error', reason: expect.stringContaining('rows of used_tokens are') })
  expect(logged).not.toHaveProperty('err')
  expect((await broker.call('GET', '/metrics')).body).toContain('mayfly_store_doubts 1')
  expect((await broker.complete(task)).body.leases).toMatchObject([{ status: 'revoked' }])
  expect(ledger.find(minted.credential.token)!.revokedAt).toBeDefined()
  await until(() => rows(broker, 'audit_events', "type = 'store.doubted'").length > 0)
  for (const { key, until, row_mac } of kept)
    sql('insert into used_tokens values (?, ?, ?)', key as string, until as number, row_mac as string)
  expectRefusal(await open(), 401, 'token_replayed')
  expect((await broker.call('GET', '/readyz')).status).toBe(200)
})
