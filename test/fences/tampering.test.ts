/**
 * Someone who can write to the database weakens a fence: nobody can tell whom it kept out, so
 * nobody gets anything until it is as it was or lifted, and verification names it.
 */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, withSessions } from '../support/runs.ts'
import { until } from '../support/until.ts'

let broker: TestBroker
const run = aRun()
let id: string
beforeEach(async () => {
  broker = await startTestBroker(withSessions())
  const { body: task } = await broker.open({}, run)
  const { body } = await broker.revoke({ task: task.id })
  id = body.fence.id
})
afterEach(() => broker[Symbol.asyncDispose]())

test.each([
  ['an end that has come', 'until = 1'],
  ['an end that is none', `until = 'soon'`],
  ['another session', `selector = replace(selector, '"1"', '"2"')`],
  ['a session with one claim more', `selector = replace(selector, '"run_id"', '"actor":"x","run_id"')`],
  ['another kind', `selector = '{"agent":"nobody"}'`],
  ['no selector at all', `selector = '{'`],
  ['nobody whose agent it is', `agents = '[]'`],
  ['other words', `reason = 'a drill'`],
  ['what it is found by', `key = key || 'x'`],
])('%s', async (_how, set) => {
  const [kept] = rows(broker, 'fences')
  beside(broker, (db) => db.exec(`update fences set ${set}`))
  expect((await broker.open({}, run)).body.code).toMatch(/^(fenced|agent_suspended|unavailable)$/)
  expectRefusal(await broker.open({}, aRun()), 503, 'unavailable')
  expect(await discrepancies(broker)).toContainEqual(expect.objectContaining({ subject: id }))
  const asItWas = Object.keys(kept!).map((column) => `"${column}" = ?`)
  beside(broker, (db) =>
    db.prepare(`update fences set ${asItWas.join()}`).run(...(Object.values(kept!) as string[])),
  )
  expectRefusal(await broker.open({}, run), 403, 'fenced')
  expect((await broker.open({}, aRun())).status).toBe(201)
})

test('one that was altered may have been on any agent: no owner of any lifts it', async () => {
  beside(broker, (db) => db.exec(`update fences set agents = '[]', reason = 'x'`))
  const lift = async (claims: object) =>
    broker.call('DELETE', `/v1/admin/fences/${id}`, { token: await broker.admin({ ...claims }) })
  expectRefusal(await lift({ sub: 'pat', email: 'linus@acme.dev' }), 403, 'forbidden')
  expect((await lift({})).body).toMatchObject({ id, damaged: expect.any(String) })
  await until(async () => (await broker.open({}, aRun())).status === 201)
})

test('of a task whose row is not as it was written nobody knows the session: it is said', async () => {
  const { body: task } = await broker.open({}, aRun())
  beside(broker, (db) => db.exec(`update tasks set session = null where id = '${task.id}'`))
  const { body } = await broker.revoke({ task: task.id })
  expect(body).toMatchObject({ tasks: [task.id], fence: null })
  const raise = { selector: { session: task.id }, reason: 'a test' }
  const answered = await broker.call('POST', '/v1/admin/fences', { token: await broker.admin(), body: raise })
  expectRefusal(answered, 409, 'conflict')
  expect(rows(broker, 'fences')).toHaveLength(1)
})
