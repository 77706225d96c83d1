/** Stopping an agent, and letting it go on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'

const broker = await describedBroker({
  files: {
    ...agentFiles('other-bot'),
    ...agentFiles('ops-bot', { owner: 'ada' }),
    ...agentFiles('passed-on-bot', { owner: 'eve@acme.dev' }),
  },
})
const { ledger } = broker.sandbox
const infra = { ...writeWeb, repositories: ['acme/infra'] }

async function order(name: string, verb: 'suspend' | 'resume', claims?: Record<string, unknown>) {
  const options = { token: await broker.admin(claims), body: { reason: 'it misbehaves' } }
  return await broker.call('POST', `/v1/admin/agents/${name}/${verb}`, options)
}

afterEach(async () => {
  await order('refactor-bot', 'resume')
})

test('a suspended agent loses its tasks, waiting ones too, and all that it holds, before the answer', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const { body: waiting } = await broker.open({ authorization_details: [infra] })
  const { body: bystander } = await broker.open({}, { sub: subjectOf('other-bot') })
  const { body: spared } = await broker.mint(bystander, readWeb)

  expect(await order('refactor-bot', 'suspend')).toMatchObject({
    status: 200,
    body: {
      status: 'suspended',
      suspension: { by: 'sandbox:ada', reason: 'it misbehaves', at: expect.any(String) },
      open_tasks: 0,
      live_leases: 0,
    },
  })
  expect(ledger.find(minted.credential.token)!.revokedAt).toBeDefined()
  for (const ended of [task, waiting])
    expect((await broker.read(ended)).body).toMatchObject({
      status: 'revoked',
      end_reason: 'agent_suspended',
    })
  expect(await broker.use(spared.credential.token)).toBe(200)
})

test('it opens nothing, mints nothing and exchanges nothing, and is not told by a dry run either', async () => {
  await order('refactor-bot', 'suspend')
  expectRefusal(await broker.open(), 403, 'agent_suspended')
  expectRefusal(await broker.open({ dry_run: true }), 403, 'agent_suspended')
})

test('it stays so across a restart and a reload', async () => {
  await order('refactor-bot', 'suspend')
  await broker.stop()
  await broker.start()
  expectRefusal(await broker.open(), 403, 'agent_suspended')
  expect((await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })).status).toBe(200)
  expectRefusal(await broker.open(), 403, 'agent_suspended')
  const query = { token: await broker.admin() }
  expect((await broker.call('GET', '/v1/admin/agents?status=suspended', query)).body.items).toMatchObject([
    { name: 'refactor-bot' },
  ])
})

test('a rewritten agent file of the same name does not lift it', async () => {
  await order('other-bot', 'suspend')
  const [[path, text]] = Object.entries(agentFiles('other-bot', { purpose: 'as good as new' })) as [
    [string, string],
  ]
  await writeFile(join(broker.directory, path), text)
  await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  expectRefusal(await broker.open({}, { sub: subjectOf('other-bot') }), 403, 'agent_suspended')
  await order('other-bot', 'resume')
})

test('resumed, it works again; what was ended stays ended', async () => {
  const { body: task } = await broker.open()
  await order('refactor-bot', 'suspend')
  expect((await order('refactor-bot', 'resume')).body).toMatchObject({ status: 'active', suspension: null })
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  expect((await broker.open()).status).toBe(201)
})

test('suspending again changes nothing: whoever was first stays on record', async () => {
  await order('refactor-bot', 'suspend')
  const { status, body } = await order('refactor-bot', 'suspend', { sub: 'bob', email: 'bob@acme.dev' })
  expect(status).toBe(200)
  expect(body.suspension.by).toBe('sandbox:ada')
})

test.each([
  ['sub', { sub: 'ada', email: 'other@acme.dev' }],
  ['email', { sub: 'bob', email: 'ada' }],
  ['email, in other letters', { sub: 'bob', email: 'ADA' }],
  ['email, verified or not', { sub: 'bob', email: 'ada', email_verified: false }],
])('an owner, known by %s, may suspend their agent and not resume it', async (_how, claims) => {
  expect((await order('ops-bot', 'suspend', claims)).status).toBe(200)
  expectRefusal(await order('ops-bot', 'resume', claims), 403, 'forbidden')
  expectRefusal(await broker.open({}, { sub: subjectOf('ops-bot') }), 403, 'agent_suspended')
  expect(
    rows(broker, 'audit_events', "type = 'request.denied' and actor like 'admin:%' order by seq desc")[0],
  ).toMatchObject({
    actor: `admin:sandbox:${claims.sub}`,
    agent: 'ops-bot',
    owner: 'ada',
    data: '{"reason":"nobody resumes an agent they own"}',
  })
  expect((await order('ops-bot', 'resume', { sub: 'eve', email: 'eve@acme.dev' })).status).toBe(200)
})

test('who owned the agent when it last had a task does not resume it after another has taken it over', async () => {
  const { body: task } = await broker.open({}, { sub: subjectOf('passed-on-bot') })
  expect(task.status).toBe('active')
  await order('passed-on-bot', 'suspend')
  const [[path, text]] = Object.entries(agentFiles('passed-on-bot', { owner: 'bob@acme.dev' })) as [
    [string, string],
  ]
  await writeFile(join(broker.directory, path), text)
  expect((await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })).status).toBe(200)
  for (const email of ['eve@acme.dev', 'bob@acme.dev'])
    expectRefusal(await order('passed-on-bot', 'resume', { sub: 'someone', email }), 403, 'forbidden')
  expect((await order('passed-on-bot', 'resume', { sub: 'zoe', email: 'zoe@acme.dev' })).status).toBe(200)
})

test('who shows no address does not resume an agent whose owner is known by one', async () => {
  await order('refactor-bot', 'suspend')
  for (const claims of [
    { sub: 'someone', email: undefined, email_verified: undefined },
    { sub: 'someone', email: 'ada@acme.dev', email_verified: false },
  ])
    expectRefusal(await order('refactor-bot', 'resume', claims), 403, 'forbidden')
  expectRefusal(await broker.open(), 403, 'agent_suspended')
})

test('what is not suspended cannot be resumed, and who is not there can be neither', async () => {
  expectRefusal(await order('refactor-bot', 'resume'), 409, 'conflict')
  expectRefusal(await order('nobody', 'suspend'), 404, 'not_found')
  expectRefusal(await order('nobody', 'resume'), 404, 'not_found')
})

test.each([{}, { reason: '' }, { reason: 'a\nb' }, { reason: 'x', until: 'tomorrow' }, []])(
  'a reason is needed, and nothing but a reason: %j',
  async (body) => {
    const token = await broker.admin()
    const answer = await broker.call('POST', '/v1/admin/agents/refactor-bot/suspend', { token, body })
    expectRefusal(answer, 400, 'invalid_request')
    expect((await broker.open()).status).toBe(201)
  },
)

test('both are on record, with who and why', async () => {
  await order('refactor-bot', 'suspend')
  await order('refactor-bot', 'resume')
  const events = rows(
    broker,
    'audit_events',
    "type in ('agent.suspended', 'agent.resumed') order by seq desc",
  )
  expect(events.slice(0, 2)).toMatchObject([
    { type: 'agent.resumed', actor: 'admin:sandbox:ada', data: '{"reason":"it misbehaves"}' },
    { type: 'agent.suspended', actor: 'admin:sandbox:ada', data: '{"reason":"it misbehaves"}' },
  ])
})

test.each([
  ['agent', 'other-bot'],
  ['status', 'completed'],
])('what hangs on a task whose %s somebody has altered goes too', async (column, value) => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(value, task.id))
  expect((await order('refactor-bot', 'suspend')).status).toBe(200)
  expect(ledger.find(minted.credential.token)!.revokedAt).toBeDefined()
})
