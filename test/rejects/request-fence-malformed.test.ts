import { expect, test } from 'vitest'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const reason = 'a test'
const all = { all: true }
const later = new Date(Date.now() + 3_600_000).toISOString()

async function call(method: string, path: string, body?: unknown) {
  return await broker.call(method, `/v1/admin/${path}`, {
    token: await broker.admin(),
    ...(body !== undefined && { body }),
  })
}

test.each([
  {},
  { selector: all },
  { reason },
  { selector: {}, reason },
  { selector: 'all', reason },
  { selector: { all: false }, reason },
  { selector: { agent: 'refactor-bot', all: true }, reason },
  { selector: { agent: '' }, reason },
  { selector: { agent: ['refactor-bot'] }, reason },
  { selector: { task: 'task_0' }, reason },
  { selector: { lease: 'lease_0' }, reason },
  { selector: { session: { issuer: 'sandbox', claims: {} } }, reason },
  { selector: { session: { issuer: 'sandbox', claims: { run_id: 1 } } }, reason },
  { selector: { session: { claims: { run_id: '1' } } }, reason },
  { selector: { claim: { issuer: 'sandbox', name: 'run_id' } }, reason },
  { selector: { claim: { issuer: 'sandbox', name: '', value: '1' } }, reason },
  { selector: all, reason: '' },
  { selector: all, reason: 'a\nb' },
  { selector: all, reason, until: 'tomorrow' },
  { selector: all, reason, until: '2020-01-01T00:00:00Z' },
  { selector: all, reason, until: Date.now() + 1000 },
  { selector: all, reason, fence: true },
])('a fence that is none: %j', async (body) => {
  expectRefusal(await call('POST', 'fences', body), 400, 'invalid_request')
  expect(rows(broker, 'fences')).toEqual([])
})

test.each([
  { selector: { lease: '{lease}' }, reason, fence: true },
  { selector: { agent: 'refactor-bot' }, reason, until: later },
  { selector: { agent: 'refactor-bot' }, reason, fence: false, until: later },
  { selector: all, reason, fence: true, until: '2020-01-01T00:00:00Z' },
  { selector: all, reason, fence: 'yes' },
])('a revocation that cannot keep out as it says: %j', async (body) => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const asked = JSON.stringify(body).replace('{lease}', minted.lease.id)
  expectRefusal(await call('POST', 'revocations', asked), 400, 'invalid_request')
  expect(await broker.use(minted.credential.token)).toBe(200)
  expect(rows(broker, 'fences')).toEqual([])
})

test.each([
  ['GET', 'fences?kind=everyone'],
  ['GET', 'fences?agent=refactor-bot'],
  ['DELETE', 'fences/fence_0?why=done'],
])('%s %s', async (method, path) => {
  expectRefusal(await call(method, path), 400, 'invalid_request')
})
