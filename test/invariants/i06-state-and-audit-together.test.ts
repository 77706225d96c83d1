/** I6 State and audit together: the record tells every change of state, and no change happens that it cannot tell. */
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { beside, refuseWrites, rows } from '../support/database.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github } = broker.sandbox

const told = (task: string) =>
  rows(broker, 'audit_events', `task = '${task}' order by seq`).map(({ type, status }) => [type, status])

test('I6: the record of one task is the whole of what became of it', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  await broker.complete(task)
  expect(told(task.id)).toEqual([
    ['task.opened', 'active'],
    ['lease.intended', 'pending'],
    ['lease.minted', 'active'],
    ['task.ended', 'completed'],
    ['lease.retired', 'revoking'],
    ['lease.revoked', 'revoked'],
    ['lease.evidence', null],
  ])
})

test('I6: a refused mint is told as failed, a denied request as denied', async () => {
  const { body: task } = await broker.open()
  github.faults.add({ kind: 'status', status: 422, on: mints, times: 1 })
  await broker.mint(task)
  expect(told(task.id).slice(1)).toEqual([
    ['lease.intended', 'pending'],
    ['lease.failed', 'failed'],
  ])
  await broker.open({
    authorization_details: [
      { type: 'github', repositories: ['acme/docs'], permissions: { contents: 'write' } },
    ],
  })
  const [denied] = rows(broker, 'audit_events', "type = 'request.denied'")
  expect(JSON.parse(denied!.data!)).toMatchObject({
    denials: expect.arrayContaining([expect.objectContaining({ policies: ['docs-are-read-only'] })]),
  })
})

test('I6: an end that cannot be recorded is not called one; what was to be revoked is, and the record follows', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const healed = refuseWrites(broker, "insert on audit_events when new.type = 'task.ended'")
  expectRefusal(await broker.complete(task), 503, 'unavailable')
  expect((await broker.read(task)).body).toMatchObject({ status: 'active', leases: [{ status: 'active' }] })
  expect(await broker.use(minted.credential.token)).toBe(401)
  healed()
  await until(async () => (await broker.read(task)).body.status === 'completed')
  expect((await broker.complete(task)).body.leases).toMatchObject([{ status: 'revoked' }])
})

test('I6: the chain holds, and the tables are as it tells; what is changed behind its back shows', async () => {
  expect(await discrepancies(broker)).toEqual([])
  const { body: task } = await broker.open()
  beside(broker, (db) => db.prepare("update tasks set status = 'completed' where id = ?").run(task.id))
  // By the record, by the row's own MAC, and by what all rows of the table add up to.
  expect(await discrepancies(broker)).toEqual([
    { subject: task.id, message: 'it is completed in the tables but active in the record' },
    { subject: task.id, message: 'its row in tasks is not as it was written' },
    { message: 'rows of tasks are missing, were added, or are older than they should be' },
  ])
  beside(broker, (db) => db.prepare("update tasks set status = 'active' where id = ?").run(task.id))
  expect(await discrepancies(broker)).toEqual([])
  beside(broker, (db) => db.exec("update audit_events set actor = 'admin:eve' where seq = 3"))
  expect((await discrepancies(broker))[0]).toMatchObject({ seq: 3 })
})
