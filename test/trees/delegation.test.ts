/** A part of a task handed on to another agent, which comes under its own identity. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const clock = manualClock()
const broker = await describedBroker({ clock, files: { ...agentFiles('helper'), ...agentFiles('other') } })
const open = async () => (await broker.open({ ttl: 900 })).body

function delegate(task: Answer['body'], body: object = {}): Promise<Answer> {
  const asked = { agent: 'helper', authorization_details: [readWeb], ...body }
  return broker.call('POST', `/v1/tasks/${task.id}/delegations`, { token: task.task_token, body: asked })
}

const take = (delegation: string, body: object = {}, agent = 'helper') =>
  broker.open(
    { authorization_details: [readWeb], delegation, ...body },
    { sub: subjectOf(agent), repository_id: '9' },
  )

test('the agent opens a task with it as itself, which ends with the one that delegated', async () => {
  const parent = await open()
  const { status, body } = await delegate(parent)
  expect({ status, until: body.expires_at }).toEqual({
    status: 201,
    until: new Date(clock.now() + 300_000).toISOString(),
  })
  const { status: taken, body: child } = await take(body.delegation)
  expect(taken).toBe(201)
  expect(child).toMatchObject({
    agent: 'helper',
    parent: parent.id,
    expires_at: new Date(clock.now() + 600_000).toISOString(),
    act: { sub: 'helper', act: { sub: 'refactor-bot' } },
  })
  const { body: minted } = await broker.mint(child, readWeb)
  expect(await broker.use(minted.credential.token)).toBe(200)
  await broker.complete(parent)
  expect(await broker.use(minted.credential.token)).toBe(401)
  expect((await broker.read(child)).body.end_reason).toBe('parent_ended')

  const [handed] = rows(broker, 'audit_events', `task = '${parent.id}' and type = 'task.delegated'`)
  const [opened] = rows(broker, 'audit_events', `task = '${child.id}' and type = 'task.opened'`)
  const { delegation: id, to } = JSON.parse(handed!.data!)
  expect(to).toBe('helper')
  expect(JSON.parse(opened!.data!)).toMatchObject({ delegation: id, bounded: 'delegated', parent: parent.id })
  expect(JSON.stringify([handed, opened])).not.toContain(body.delegation)
})

test('it opens one task', async () => {
  const parent = await open()
  const { body } = await delegate(parent)
  const [first, second] = await Promise.all([take(body.delegation), take(body.delegation)])
  const [taken, refused] = first.status === 201 ? [first, second] : [second, first]
  expect(taken.status).toBe(201)
  expectRefusal(refused, 401, 'token_replayed')
  await broker.complete(parent)
})

test('a refusal does not use it up, and a dry run neither', async () => {
  const parent = await open()
  const { body } = await delegate(parent)
  expectRefusal(await take(body.delegation, { authorization_details: [writeWeb] }), 403, 'out_of_scope')
  expect((await take(body.delegation, { dry_run: true })).body.decision).toBe('allowed')
  expect((await take(body.delegation)).status).toBe(201)
  await broker.complete(parent)
})

test('an answer that was lost is asked for again under its key', async () => {
  const parent = await open()
  const { body } = await delegate(parent)
  const token = await broker.workload({ sub: subjectOf('helper'), repository_id: '9' })
  const asked = { purpose: 'p', authorization_details: [readWeb], delegation: body.delegation }
  const headers = { 'Idempotency-Key': 'one' }
  const send = () => broker.call('POST', '/v1/tasks', { token, body: asked, headers })
  const [first, again] = [await send(), await send()]
  expect(again).toMatchObject({ status: 201, body: { id: first.body.id } })
  await broker.complete(parent)
})

test('it is for that agent, for 300 seconds, and while the task is active', async () => {
  const parent = await open()
  const { body: one } = await delegate(parent)
  expectRefusal(await take(one.delegation, {}, 'other'), 404, 'not_found')
  expectRefusal(await take(`mfd_${'A'.repeat(43)}`), 404, 'not_found')
  await clock.advance(300_000)
  expectRefusal(await take(one.delegation), 404, 'not_found')
  const { body: two } = await delegate(parent)
  await broker.complete(parent)
  expectRefusal(await take(two.delegation), 409, 'task_not_active')
  expectRefusal(await delegate(parent), 409, 'task_not_active')
})

test('what is delegated lies within the task, and what is opened within what was delegated', async () => {
  const parent = await open()
  const docs = { ...readWeb, repositories: ['acme/docs'] }
  expectRefusal(await delegate(parent, { authorization_details: [docs] }), 403, 'out_of_scope')
  const { body } = await delegate(parent, { ttl: 60 })
  const { body: child } = await take(body.delegation)
  expect(child).toMatchObject({ ttl: 60, expires_at: new Date(clock.now() + 60_000).toISOString() })
  expectRefusal(await openChild(broker, child), 403, 'out_of_scope')
  expect((await openChild(broker, child, { authorization_details: [readWeb], ttl: 30 })).status).toBe(201)
  await broker.complete(parent)
})

test('whoever delegates names an agent that there is, and is helped to none, and a time that it may have', async () => {
  const parent = await open()
  const misspelt = await delegate(parent, { agent: 'helpre' })
  expectRefusal(misspelt, 403, 'unknown_agent')
  expect(misspelt.body.detail).toBe('agent: there is no agent "helpre"')
  expectRefusal(await delegate(parent, { ttl: 3601 }), 400, 'invalid_request')
  await broker.complete(parent)
})

test('in a task it is of no use: that has no identity of its own', async () => {
  const parent = await open()
  const { body } = await delegate(parent)
  const answer = await openChild(broker, parent, {
    delegation: body.delegation,
    authorization_details: [readWeb],
  })
  expectRefusal(answer, 400, 'invalid_request')
  await broker.complete(parent)
})
