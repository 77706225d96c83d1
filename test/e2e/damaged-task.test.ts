/** Somebody writes nonsense into a task's row: what hangs off the task has a deadline of its own (I3). */
import { expect, test } from 'vitest'
import { beside } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox

test.each([
  ['status', 'garbage'],
  ['expires_at', 'garbage'],
  ['expires_at', 9e15],
])('%s %j: its credentials are dead within a second of the deadline', async (column, value) => {
  const { body: task } = await broker.open({ ttl: 2 })
  const { body: minted } = await broker.mint(task)
  beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(value, task.id))
  const revokedAt = await until(() => ledger.find(minted.credential.token)!.revokedAt)
  expect(revokedAt).toBeGreaterThanOrEqual(Date.parse(minted.lease.deadline))
  expect(revokedAt - Date.parse(minted.lease.deadline)).toBeLessThan(1000)
  expect((await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })).status).toBe(200)
  expect(broker.log.some((line) => line.includes('has outlived its task'))).toBe(true)
})
