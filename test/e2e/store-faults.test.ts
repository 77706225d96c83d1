/** The store fails under the broker: nothing is granted, and what is due is taken away all the same (invariant I6). */
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { beside, refuseWrites, rows } from '../support/database.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

test('the audit cannot be written: no task is opened, no credential minted, and nothing half done', async () => {
  const { body: task } = await broker.open()
  const before = { tasks: rows(broker, 'tasks').length, minted: ledger.entries.length }
  const token = await broker.workload()
  const body = { purpose: 'a test', authorization_details: task.authorization_details }

  const healed = refuseWrites(broker, 'insert on audit_events')
  expectRefusal(await broker.call('POST', '/v1/tasks', { token, body }), 503, 'unavailable')
  expectRefusal(await broker.mint(task), 503, 'unavailable')
  expectRefusal(await broker.complete(task), 503, 'unavailable')
  expectRefusal(await broker.revoke({ task: task.id }), 503, 'unavailable')
  expect((await broker.read(task)).body).toMatchObject({ status: 'active', leases: [] })
  healed()

  expect(rows(broker, 'tasks')).toHaveLength(before.tasks)
  expect(ledger.entries).toHaveLength(before.minted)
  expect(rows(broker, 'leases')).toEqual([])
  // The refusal did not use the token up either.
  expect((await broker.call('POST', '/v1/tasks', { token, body })).status).toBe(201)
})

test('what is answered with a 5xx is logged once, with its cause, under its request id', async () => {
  const healed = refuseWrites(broker, 'insert on audit_events')
  const { status, headers } = await broker.open()
  healed()
  expect(status).toBe(503)
  const request_id = headers.get('X-Request-Id')!
  const logged = broker.log.filter((line) => line.includes(request_id)).map((line) => JSON.parse(line))
  expect(logged).toMatchObject([{ request_id, code: 'unavailable', err: { cause: { type: 'Error' } } }])
  expect(logged[0]).not.toHaveProperty('cause')
})

test('a deadline passes meanwhile: the credential dies in time, and the record follows', async () => {
  const { body: task } = await broker.open({ ttl: 1 })
  const { body: minted } = await broker.mint(task)
  const entry = ledger.find(minted.credential.token)!
  const healed = refuseWrites(broker, 'insert on audit_events')

  await until(() => entry.revokedAt)
  expect(entry.revokedAt! - Date.parse(task.expires_at)).toBeLessThan(1000)
  expect((await broker.read(task)).body).toMatchObject({ status: 'active', leases: [{ status: 'active' }] })

  healed()
  await until(async () => (await broker.read(task)).body.status === 'expired')
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  const events = rows(broker, 'audit_events', `task = '${task.id}'`).map(({ type }) => type)
  // Which of the two is recorded first hangs on when each is tried again (docs/decisions/0045).
  expect(events.filter((type) => type === 'task.ended' || type === 'lease.revoked').toSorted()).toEqual([
    'lease.revoked',
    'task.ended',
  ])
})

test('a lease was on its way out already: it is revoked, and recorded once', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const outage = github.faults.add({ kind: 'status', status: 500, on: ({ method }) => method === 'DELETE' })
  await broker.complete(task)
  const healed = refuseWrites(broker, 'insert on audit_events')
  outage.clear()
  await until(() => ledger.find(minted.credential.token)!.revokedAt)
  expect((await broker.read(task)).body.leases[0].status).toBe('revoking')
  healed()
  await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  const events = rows(broker, 'audit_events', `lease = '${minted.lease.id}' and type = 'lease.revoked'`)
  expect(events).toHaveLength(1)
})

test('a mint cannot be recorded: it is revoked, not delivered, and its lease says so afterwards', async () => {
  const { body: task } = await broker.open()
  const before = ledger.entries.length
  let healed = () => {}
  github.faults.add({
    kind: 'rewrite',
    on: mints,
    times: 1,
    rewrite(answer) {
      healed = refuseWrites(broker, 'update on leases')
      return answer
    },
  })
  expectRefusal(await broker.mint(task), 503, 'unavailable')
  const entry = ledger.entries[before]!
  await until(() => entry.revokedAt)
  expect(entry.uses).toBe(0)
  expect((await broker.read(task)).body.leases).toMatchObject([{ status: 'pending' }])
  healed()
  await until(async () => (await broker.read(task)).body.leases[0].status === 'failed')
})

test('the tables are gone: it is not ready, and says `unavailable` without a word of why', async () => {
  const { body: task } = await broker.open()
  const rename = (from: string, to: string) =>
    beside(broker, (db) => db.exec(`alter table ${from} rename to ${to}`))
  rename('audit_head', 'elsewhere')
  expectRefusal(await broker.call('GET', '/readyz'), 503, 'unavailable')
  // Only the log says why.
  expect(broker.log.findLast((line) => line.includes('/readyz'))).toContain('no such table: audit_head')
  expect((await broker.call('GET', '/healthz')).status).toBe(200)
  rename('elsewhere', 'audit_head')
  // What tried to write meanwhile could not: that it can is found out within a second.
  await until(async () => (await broker.call('GET', '/readyz')).status === 200)
  expect((await broker.complete(task)).status).toBe(200)
})

test('after all that the record still verifies', async () => {
  expect(await discrepancies(broker)).toEqual([])
})
