/** A task whose workload falls silent ends; what keeps it is being heard. */
import { expect, onTestFinished, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { answer, infra, needing } from '../support/approvals.ts'
import { type Answer, startTestBroker, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { manualClock } from '../support/clock.ts'
import { refuseWrites, rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { until } from '../support/until.ts'

async function start() {
  const { settings, files } = needing('security')
  const clock = manualClock()
  const agent = agentFiles('pulse', { heartbeat: '10s' })
  const broker = await startTestBroker({
    clock,
    settings,
    files: { ...files, ...agent, ...agentFiles('helper') },
  })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const open = async (body: Record<string, unknown> = {}) =>
    (await broker.open(body, { sub: subjectOf('pulse'), repository_id: '9' })).body
  const beat = (task: Answer['body'], context?: object) =>
    broker.call('POST', `/v1/tasks/${task.id}/heartbeat`, {
      token: task.task_token,
      ...(context && { body: { context } }),
    })
  const isNow = async (task: Answer['body']) => {
    const { status, end_reason: reason } = (await broker.read(task)).body
    return reason ?? status
  }
  /** Its state, without being heard for asking. */
  const stored = (task: Answer['body']) => {
    const [row] = rows(broker, 'tasks', `id = '${task.id}'`)
    return row!.end_reason ?? row!.status
  }
  return { broker, clock, open, beat, isNow, stored }
}

test('silent for half as long again it ends, its credentials with it; heard it goes on', async () => {
  const { broker, clock, open, beat, stored } = await start()
  const [silent, heard] = [await open(), await open()]
  expect(silent.heartbeat).toBe(10)
  const { body: minted } = await broker.mint(silent)
  for (let seconds = 0; seconds < 14; seconds += 7) {
    await clock.advance(7_000)
    expect((await beat(heard)).body).toMatchObject({ id: heard.id, status: 'active', heartbeat: 10 })
  }
  expect(stored(silent)).toBe('active')
  await clock.advance(2_000)
  await until(async () => stored(silent) === 'heartbeat_missed')
  await until(async () => (await broker.use(minted.credential.token)) === 401)
  expect(stored(heard)).toBe('active')
  expectRefusal(await beat(silent), 409, 'task_not_active')
})

type Call = (task: Answer['body'], lease: string) => [method: string, path: string, body?: object]
const calls: Record<string, Call> = {
  reading: ({ id }) => ['GET', `/v1/tasks/${id}`],
  minting: ({ id }) => ['POST', `/v1/tasks/${id}/credentials`, { authorization_detail: writeWeb }],
  'giving back': ({ id }, lease) => ['POST', `/v1/tasks/${id}/leases/${lease}/revoke`],
  delegating: ({ id }) => [
    'POST',
    `/v1/tasks/${id}/delegations`,
    { agent: 'helper', authorization_details: [writeWeb] },
  ],
  'opening a child': () => ['POST', '/v1/tasks', { purpose: 'p', authorization_details: [writeWeb] }],
  'asking what it may do': () => ['POST', '/v1/explain', {}],
  'asking for a tool': ({ agent }) => [
    'POST',
    '/access/v1/evaluation',
    {
      subject: { type: 'Agent', id: agent },
      action: { name: 'tool.Read' },
      resource: { type: 'Tool', id: 'Read' },
    },
  ],
  'telling of a call': ({ id }) => [
    'POST',
    `/v1/tasks/${id}/events`,
    { type: 'tool_call', name: 'Read', outcome: 'done' },
  ],
  'what is refused': ({ id }) => ['POST', `/v1/tasks/${id}/credentials`, { authorization_detail: infra }],
}

test('any call of the workload is a sign of life', async () => {
  const { broker, clock, open, stored } = await start()
  const tasks = await Promise.all(Object.keys(calls).map(() => open()))
  const leases = await Promise.all(tasks.map(async (task) => (await broker.mint(task)).body.lease.id))
  for (let turn = 0; turn < 2; turn += 1) {
    await clock.advance(10_000)
    await Promise.all(
      Object.values(calls).map((call, at) => {
        const [method, path, body] = call(tasks[at], leases[at])
        return broker.call(method, path, { token: tasks[at].task_token, ...(body && { body }) })
      }),
    )
  }
  const states = Object.keys(calls).map((name, at) => [name, stored(tasks[at])])
  expect(states).toEqual(Object.keys(calls).map((name) => [name, 'active']))
})

test('an agent without one is not listened to', async () => {
  const { broker, clock } = await start()
  const { body: task } = await broker.open()
  expect(task).not.toHaveProperty('heartbeat')
  await clock.advance(500_000)
  expect((await broker.read(task)).body.status).toBe('active')
})

test.each([
  ['changed', { model: 'other' }],
  ['changed beside a new one', { more: 'x', model: 'other' }],
])('what the task was opened with has %s: it ends at once', async (_what, context) => {
  const { broker, open, beat, isNow } = await start()
  const task = await open({ context: { model: 'm' } })
  const { body: minted } = await broker.mint(task)
  expect((await beat(task, { model: 'm', more: 'y' })).status).toBe(200)
  expectRefusal(await beat(task, context), 409, 'context_changed')
  expect(await isNow(task)).toBe('context_changed')
  expect(await broker.use(minted.credential.token)).toBe(401)
})

test('a broker that was away takes nobody for silent, and keeps nobody who is', async () => {
  const { broker, clock, open, beat, stored } = await start()
  const [silent, heard] = [await open(), await open()]
  await broker.stop()
  await clock.advance(60_000)
  await broker.start()
  expect([stored(silent), stored(heard)]).toEqual(['active', 'active'])
  await clock.advance(10_000)
  await beat(heard)
  await clock.advance(6_000)
  await until(async () => stored(silent) === 'heartbeat_missed')
  expect(stored(heard)).toBe('active')
})

test('a store that takes no writes takes nobody for silent who is heard', async () => {
  const { broker, clock, open, beat, stored } = await start()
  const task = await open()
  const { body: minted } = await broker.mint(task)
  const allow = refuseWrites(broker, 'update on tasks')
  for (let turn = 0; turn < 4; turn += 1) {
    await clock.advance(7_000)
    expect((await beat(task)).status).toBe(200)
  }
  expect(await broker.use(minted.credential.token)).toBe(200)
  allow()
  await clock.advance(7_000)
  await beat(task)
  expect(stored(task)).toBe('active')
})

test('beats leave no commit each', async () => {
  const { broker, clock, open, beat } = await start()
  const task = await open()
  const commits = () => rows(broker, 'audit_head')[0]!.commits
  const before = commits()
  for (let beats = 0; beats < 20; beats += 1) {
    await clock.advance(1_000)
    await beat(task)
  }
  await broker.read(task)
  expect(commits() - before).toBeLessThanOrEqual(4)
})

test('while it waits nobody has to be heard; from the yes on they have', async () => {
  const { broker, clock, open, stored } = await start()
  const task = await open({ authorization_details: [infra] })
  expect(task.status).toBe('pending_approval')
  await clock.advance(100_000)
  expect(stored(task)).toBe('pending_approval')
  await answer(broker, 'approve', task.approvals[0])
  await clock.advance(14_000)
  expect(stored(task)).toBe('active')
  await clock.advance(2_000)
  await until(async () => stored(task) === 'heartbeat_missed')
})

test('a child of the same agent is heard in its parent; silent, that takes it along', async () => {
  const { broker, clock, open, beat, stored } = await start()
  const parent = await open()
  const { body: child } = await openChild(broker, parent)
  const { body: minted } = await broker.mint(child)
  expect(child).not.toHaveProperty('heartbeat')
  await clock.advance(10_000)
  await beat(parent)
  await clock.advance(10_000)
  expect(stored(child)).toBe('active')
  await clock.advance(10_000)
  await until(async () => stored(child) === 'parent_ended')
  await until(async () => (await broker.use(minted.credential.token)) === 401)
})

test('a child for an agent with a heartbeat has to be heard itself', async () => {
  const { broker, clock, stored } = await start()
  const { body: parent } = await broker.open()
  const { body: child } = await openChild(broker, parent, { agent: 'pulse' })
  expect(child.heartbeat).toBe(10)
  await clock.advance(16_000)
  await until(async () => stored(child) === 'heartbeat_missed')
  expect(stored(parent)).toBe('active')
})
