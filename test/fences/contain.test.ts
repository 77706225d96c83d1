/** A job that was thrown out does not come back, and others are served. */
import { expect, test } from 'vitest'
import { writeWeb as detail } from '../support/broker.ts'
import { describedBroker } from '../support/described-broker.ts'
import { discrepancies } from '../support/audit.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, rerun, withSessions } from '../support/runs.ts'

const broker = await describedBroker(withSessions())
const { ledger } = broker.sandbox

const order = async (selector: unknown, more: object = {}) =>
  broker.call('POST', '/v1/admin/revocations', {
    token: await broker.admin(),
    body: { selector, reason: 'it misbehaves', ...more },
  })

async function running(run = aRun()) {
  const { body: task } = await broker.open({}, run)
  const { body: minted } = await broker.mint(task)
  return { run, task, secret: minted.credential.token as string }
}

test('a revoked task: its run opens no other, however fresh its token; another run is served', async () => {
  const { run, task, secret } = await running()
  const { status, body } = await order({ task: task.id })
  expect(status).toBe(200)
  expect(body).toMatchObject({ tasks: [task.id], matched: 1, revoked: 1 })
  expect(body.fence).toMatchObject({
    id: expect.stringMatching(/^fence_\w{32}$/),
    selector: { session: { issuer: 'sandbox', claims: run } },
    status: 'standing',
    agents: ['refactor-bot'],
    reason: 'it misbehaves',
    by: 'sandbox:ada',
    until: null,
  })
  expect(ledger.find(secret)!.revokedAt).toBeDefined()
  expectRefusal(await broker.open({}, run), 403, 'fenced')
  expectRefusal(await broker.open({ dry_run: true }, run), 403, 'fenced')
  expect((await broker.open({}, aRun())).status).toBe(201)
  expect((await broker.open({}, rerun(run))).status).toBe(201)
})

test('unless told otherwise', async () => {
  const { run, task } = await running()
  expect((await order({ task: task.id }, { fence: false })).body.fence).toBeNull()
  expect((await broker.open({}, run)).status).toBe(201)
})

test('by its session: everything that the run has open ends, and nothing of another', async () => {
  const [first, other] = [await running(), await running()]
  const second = await running(first.run)
  const { body } = await order({ session: first.task.id }, { fence: true })
  expect(new Set(body.tasks)).toEqual(new Set([first.task.id, second.task.id]))
  expect(body).toMatchObject({ matched: 2, revoked: 2 })
  expect(await broker.use(second.secret)).toBe(401)
  expect(await broker.use(other.secret)).toBe(200)
  expectRefusal(await broker.open({}, first.run), 403, 'fenced')
})

test('by the claims of a session that has opened nothing yet', async () => {
  const run = aRun()
  const { run_id } = run
  const { body } = await order({ session: { issuer: 'sandbox', claims: { run_id } } }, { fence: true })
  expect(body).toMatchObject({ tasks: [], fence: { selector: { session: { claims: { run_id } } } } })
  // Named by the run alone: every attempt is meant.
  for (const claims of [run, rerun(run)]) expectRefusal(await broker.open({}, claims), 403, 'fenced')
})

test('a credential left over from a task that has ended is taken from the session too', async () => {
  const { run, task, secret } = await running()
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 500 })
  await broker.complete(task)
  outage.clear()
  expect(await broker.use(secret)).toBe(200)
  expect((await order({ session: { issuer: 'sandbox', claims: run } })).body).toMatchObject({ revoked: 1 })
  expect(await broker.use(secret)).toBe(401)
})

test('in a task left open nothing is minted any more, nor is it resumed or exchanged', async () => {
  const run = aRun()
  const token = await broker.workload(run)
  const headers = { 'Idempotency-Key': 'once' }
  const body = { purpose: 'a test', authorization_details: [detail], ttl: 600 }
  const { body: task } = await broker.call('POST', '/v1/tasks', { token, headers, body })
  const raised = await broker.call('POST', '/v1/admin/fences', {
    token: await broker.admin(),
    body: { selector: { session: task.id }, reason: 'it is odd' },
  })
  expect(raised).toMatchObject({ status: 201, body: { status: 'standing', agents: ['refactor-bot'] } })
  expectRefusal(await broker.mint(task), 403, 'fenced')
  expectRefusal(await broker.call('POST', '/v1/tasks', { token, headers, body }), 403, 'fenced')
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await broker.workload(run),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    authorization_details: JSON.stringify([detail]),
  })
  const exchanged = await fetch(`${broker.url}/oauth/token`, { method: 'POST', body: form })
  expect(exchanged.status).toBe(400)
  expect(await exchanged.json()).toMatchObject({ code: 'fenced' })
  expect((await broker.read(task)).body.status).toBe('active')
})

test('what it does is refused for ever: after a restart and a reload, and it is all on record', async () => {
  const { run, task } = await running()
  await order({ task: task.id })
  await broker.stop()
  await broker.start()
  expectRefusal(await broker.open({}, run), 403, 'fenced')
  expect((await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })).status).toBe(200)
  expectRefusal(await broker.open({}, run), 403, 'fenced')
  expect(await discrepancies(broker)).toEqual([])
})
