/** `reopen: false`: one task a session. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { writeWeb } from '../support/broker.ts'
import { beside, rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, rerun, withSessions } from '../support/runs.ts'

const both = { match: [{ issuer: 'sandbox', subject: subjectOf('once-bot') }], reopen: false }
const broker = await describedBroker({
  ...withSessions(),
  files: {
    ...agentFiles('once-bot', both),
    ...agentFiles('once-too-bot', both),
    ...agentFiles('often-bot', { ...both, reopen: true }),
  },
})

const open = (run: object, agent = 'once-bot', more: object = {}) =>
  broker.open({ agent, ...more }, { sub: subjectOf('once-bot'), ...run })

test('a session whose task has ended opens no other, and a re-run is another session', async () => {
  const run = aRun()
  const { body: task } = await open(run)
  await broker.complete(task)
  expectRefusal(await open(run), 403, 'fenced')
  expectRefusal(await open(run, 'once-bot', { dry_run: true }), 403, 'fenced')
  await broker.stop()
  await broker.start()
  expectRefusal(await open(run), 403, 'fenced')
  expect((await open(rerun(run))).status).toBe(201)
  expect((await open(aRun())).status).toBe(201)
})

test('however it ended', async () => {
  const run = aRun()
  const { body: task } = await open(run)
  await broker.revoke({ agent: 'once-bot' })
  expect((await broker.read(task)).body.status).toBe('revoked')
  expectRefusal(await open(run), 403, 'fenced')
})

test.each(['status', 'session', 'agent'])(
  'a task whose row has another %s counts as over, and as anybody’s, until it is as it was',
  async (column) => {
    const [run, another] = [aRun(), aRun()]
    const { body: task } = await open(run)
    await broker.complete(task)
    const [{ [column]: value }] = rows(broker, 'tasks', `id = '${task.id}'`) as unknown as [
      Record<string, string>,
    ]
    const set = (to: string) =>
      beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(to, task.id))
    set({ status: 'active', session: '{}', agent: 'nobody' }[column]!)
    expectRefusal(await open(run), 403, 'fenced')
    expectRefusal(await open(another), 403, 'fenced')
    set(value!)
    expectRefusal(await open(run), 403, 'fenced')
    expect((await open(another)).status).toBe(201)
  },
)

test('while it goes on, the session may open another beside it', async () => {
  const run = aRun()
  await open(run)
  expect((await open(run)).status).toBe(201)
})

test('nor as another agent that says the same; as one that does not say so it may', async () => {
  const run = aRun()
  await broker.complete((await open(run)).body)
  expectRefusal(await open(run, 'once-too-bot'), 403, 'fenced')
  const { body: often } = await open(run, 'often-bot')
  await broker.complete(often)
  expect((await open(run, 'often-bot')).status).toBe(201)
})

test('nor with what another task has delegated to it', async () => {
  const run = aRun()
  const { body: parent } = await broker.open(
    { agent: 'often-bot' },
    { sub: subjectOf('once-bot'), ...aRun() },
  )
  const delegated = async () => {
    const { body } = await broker.call('POST', `/v1/tasks/${parent.id}/delegations`, {
      token: parent.task_token,
      body: { agent: 'once-bot', authorization_details: [writeWeb] },
    })
    return { delegation: body.delegation }
  }
  const { body: task } = await open(run, 'once-bot', await delegated())
  expect(task.parent).toBe(parent.id)
  await broker.complete(task)
  expectRefusal(await open(run, 'once-bot', await delegated()), 403, 'fenced')
  expectRefusal(await open({}, 'once-bot', await delegated()), 403, 'fenced')
  expect((await open(aRun(), 'once-bot', await delegated())).status).toBe(201)
})

test('a token that names no session opens none: it could be of any', async () => {
  expectRefusal(await open({}), 403, 'fenced')
  expect((await open({}, 'often-bot')).status).toBe(201)
})

test('sent again with its Idempotency-Key, the request is answered as it was, and opens nothing', async () => {
  const token = await broker.workload({ sub: subjectOf('once-bot'), ...aRun() })
  const asked = {
    token,
    headers: { 'Idempotency-Key': 'once' },
    body: {
      purpose: 'a test',
      agent: 'once-bot',
      authorization_details: [
        { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } },
      ],
    },
  }
  const { body: task } = await broker.call('POST', '/v1/tasks', asked)
  await broker.complete(task)
  const again = await broker.call('POST', '/v1/tasks', asked)
  expect(again.body).toMatchObject({ id: task.id, status: 'completed' })
})
