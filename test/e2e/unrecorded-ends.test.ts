/**
 * The store takes no writes, and somebody wants something ended: its credentials die all the
 * same, nobody gets another meanwhile, and the record follows by itself (invariant I6).
 */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import type { Answer } from '../support/broker.ts'
import { refuseWrites, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

const asAdmin = async (method: string, path: string, body?: unknown) =>
  broker.call(method, path, { token: await broker.admin(), body })
const order = (selector: Record<string, unknown>, fence?: boolean) =>
  asAdmin('POST', '/v1/admin/revocations', { selector, reason: 'odd', fence })

type Held = { task: Answer['body']; lease: string; token: string }
async function held(): Promise<Held> {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  return { task, lease: minted.lease.id, token: minted.credential.token }
}

/** Each with what becomes of the task. */
const ends: Record<string, { by: (held: Held) => Promise<Answer>; task: string; fence?: string }> = {
  complete: { by: ({ task }) => broker.complete(task), task: 'completed' },
  'give back': {
    by: ({ task, lease }) =>
      broker.call('POST', `/v1/tasks/${task.id}/leases/${lease}/revoke`, { token: task.task_token }),
    task: 'active',
  },
  '/oauth/revoke': {
    by: ({ token }) =>
      broker.call('POST', '/oauth/revoke', {
        body: `token=${token}`,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      }),
    task: 'completed',
  },
  'revoke by task': { by: ({ task }) => order({ task: task.id }), task: 'revoked', fence: 'session' },
  'revoke by lease': { by: ({ lease }) => order({ lease }), task: 'active' },
  'revoke by agent': { by: () => order({ agent: 'refactor-bot' }), task: 'revoked' },
  'revoke all': { by: () => order({ all: true }), task: 'revoked' },
  'contain by agent': { by: () => order({ agent: 'refactor-bot' }, true), task: 'revoked', fence: 'agent' },
  'contain all': { by: () => order({ all: true }, true), task: 'revoked', fence: 'all' },
  suspend: {
    by: () => asAdmin('POST', '/v1/admin/agents/refactor-bot/suspend', { reason: 'odd' }),
    task: 'revoked',
    fence: 'agent',
  },
}

afterEach(async () => {
  for (const { id } of rows(broker, 'fences')) await asAdmin('DELETE', `/v1/admin/fences/${id}?reason=done`)
})

test.each(Object.entries(ends))('%s', async (_, { by, task: status, fence }) => {
  const it = await held()
  const healed = refuseWrites(broker, 'insert on audit_events')
  const answer = await by(it)
  expect(answer.status).toBe(503)
  expect(JSON.stringify(answer.body)).toContain('revoked all the same')
  expect(ledger.find(it.token)!.revokedAt).toBeDefined()
  expect((await broker.read(it.task)).body).toMatchObject({
    status: 'active',
    leases: [{ status: 'active' }],
  })

  healed()
  await until(async () => (await broker.read(it.task)).body.leases[0].status === 'revoked')
  expect((await broker.read(it.task)).body).toMatchObject({
    status,
    leases: [{ evidence: { result: 'dead' } }],
  })
  expect(rows(broker, 'fences').map(({ kind }) => kind)).toEqual(fence ? [fence] : [])
})

test('a fence alone: whoever comes first once the store takes writes does not get in before it stands', async () => {
  const healed = refuseWrites(broker, 'insert on fences')
  const raise = () =>
    asAdmin('POST', '/v1/admin/fences', { selector: { agent: 'refactor-bot' }, reason: 'odd' })
  expectRefusal(await raise(), 503, 'unavailable')
  // Asked again, as a client does, it is raised once.
  expectRefusal(await raise(), 503, 'unavailable')
  expectRefusal(await broker.call('GET', '/readyz'), 503, 'unavailable')
  healed()
  const answers = await Promise.all(Array.from({ length: 20 }, () => broker.open()))
  for (const answer of answers) expectRefusal(answer, 403, 'agent_suspended')
  expect(rows(broker, 'fences')).toHaveLength(1)
  expect((await broker.call('GET', '/readyz')).status).toBe(200)
})

test('what is refused anyway is refused as ever, and does not wait', async () => {
  const healed = refuseWrites(broker, 'insert on audit_events')
  expectRefusal(await order({ agent: 'nobody' }), 404, 'not_found')
  healed()
  expect((await broker.open()).status).toBe(201)
})

test('another process that holds the database: the same', { timeout: 30_000 }, async () => {
  const { task, token } = await held()
  using other = new DatabaseSync(join(broker.directory, 'mayfly.db'))
  other.exec('BEGIN IMMEDIATE')
  expectRefusal(await broker.complete(task), 503, 'unavailable')
  expect(ledger.find(token)!.revokedAt).toBeDefined()
  other.exec('ROLLBACK')
  await until(async () => (await broker.read(task)).body.status === 'completed')
})

test('after all that the record verifies', async () => {
  expect(await discrepancies(broker)).toEqual([])
})
