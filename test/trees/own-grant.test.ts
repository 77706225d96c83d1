/** A child of the same agent: decided as if it were opened anew, and ended with its parent. */
import { expect, test } from 'vitest'
import { answer, infra, needing } from '../support/approvals.ts'
import { manualClock } from '../support/clock.ts'
import { openChild } from '../support/children.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const clock = manualClock()
const broker = await describedBroker({ ...needing('security'), clock })
const open = async (body = {}) => (await broker.open({ authorization_details: [readWeb], ...body })).body

test('it may have more than its parent, and says whose it is', async () => {
  const parent = await open()
  const { status, body: child } = await openChild(broker, parent)
  expect(status).toBe(201)
  expect(child).toMatchObject({
    status: 'active',
    agent: 'refactor-bot',
    parent: parent.id,
    depth: 1,
    act: { sub: 'refactor-bot', task: child.id, act: { sub: 'refactor-bot', task: parent.id } },
  })
  expect(child.task_token).not.toBe(parent.task_token)
  expectRefusal(await broker.mint(parent, writeWeb), 403, 'out_of_scope')
  const { body: minted } = await broker.mint(child, writeWeb)
  expect(await broker.use(minted.credential.token)).toBe(200)
  expect((await broker.read(parent)).body).not.toHaveProperty('act')

  const [opened] = rows(broker, 'audit_events', `task = '${child.id}' and type = 'task.opened'`)
  expect(JSON.parse(opened!.data!)).toMatchObject({ parent: parent.id, root: parent.id, act: child.act })
  const [intended] = rows(broker, 'audit_events', `task = '${child.id}' and type = 'lease.intended'`)
  expect(JSON.parse(intended!.data!)).toMatchObject({ act: child.act })
})

test('it ends with its parent, its own children and all their credentials too, and before the answer', async () => {
  const parent = await open()
  const { body: child } = await openChild(broker, parent)
  const { body: grandchild } = await openChild(broker, child, { authorization_details: [readWeb] })
  const { body: beside } = await broker.open()
  const secrets = []
  for (const [task, detail] of [
    [child, writeWeb],
    [grandchild, readWeb],
    [beside, writeWeb],
  ] as const)
    secrets.push((await broker.mint(task, detail)).body.credential.token)
  expect((await broker.complete(parent)).body.status).toBe('completed')
  for (const each of [child, grandchild])
    expect((await broker.read(each)).body).toMatchObject({ status: 'revoked', end_reason: 'parent_ended' })
  expect(await Promise.all(secrets.map((secret) => broker.use(secret)))).toEqual([401, 401, 200])
  await broker.complete(beside)
})

test('it lives no longer than its parent, whatever it asks for', async () => {
  const parent = await open({ ttl: 300 })
  const { body: child } = await openChild(broker, parent, { ttl: 900 })
  expect(child).toMatchObject({ expires_at: parent.expires_at, ttl: 900 })
  const { body: shorter } = await openChild(broker, parent, { ttl: 60 })
  expect(Date.parse(shorter.expires_at)).toBe(clock.now() + 60_000)
  await broker.complete(parent)
})

test('a yes is asked anew, and the one that waits lives no longer than its parent either', async () => {
  const parent = await open({ authorization_details: [infra] })
  await answer(broker, 'approve', parent.approvals[0])
  const { status, body: child } = await openChild(broker, parent, { authorization_details: [infra] })
  expect({ status, is: child.status }).toEqual({ status: 202, is: 'pending_approval' })
  const now = (await broker.read(parent)).body
  expect(child.expires_at).toBe(now.expires_at)
  const { body: approved } = await answer(broker, 'approve', child.approvals[0])
  expect(approved).toMatchObject({ status: 'active', expires_at: now.expires_at })
  await broker.complete(parent)
})

test('asked again while it waits it is the one that waits; in another task it is another', async () => {
  const [parent, other] = [await open(), await open()]
  const ask = (within: typeof parent) => openChild(broker, within, { authorization_details: [infra] })
  const first = await ask(parent)
  await clock.advance(5_000)
  const again = await ask(parent)
  expect(again.body).toMatchObject({ id: first.body.id, task_token: first.body.task_token })
  expect((await ask(other)).body.id).not.toBe(first.body.id)
  for (const task of [parent, other]) await broker.complete(task)
})

test('sent again under its key it is resumed', async () => {
  const parent = await open()
  const send = () =>
    broker.call('POST', '/v1/tasks', {
      token: parent.task_token,
      body: { purpose: 'a part', authorization_details: [readWeb] },
      headers: { 'Idempotency-Key': 'one' },
    })
  const [first, again] = [await send(), await send()]
  expect(again.body.id).toBe(first.body.id)
  expect((await broker.read(first.body)).status).toBe(401)
  expect((await broker.read(again.body)).status).toBe(200)
  await broker.complete(parent)
})

test('a dry run in a task keeps nothing', async () => {
  const parent = await open()
  const { status, body } = await openChild(broker, parent, { authorization_details: [infra], dry_run: true })
  expect({ status, decision: body.decision }).toEqual({ status: 200, decision: 'pending_approval' })
  expect(rows(broker, 'tasks', `parent = '${parent.id}'`)).toEqual([])
  await broker.complete(parent)
})

test('nothing is opened in a task that waits, or is over', async () => {
  const waiting = await open({ authorization_details: [infra] })
  expectRefusal(await openChild(broker, waiting), 409, 'task_not_active')
  await broker.complete(waiting)
  expectRefusal(await openChild(broker, waiting), 409, 'task_not_active')
})

test('tasks hang off each other eight deep, and no deeper', async () => {
  const root = await open()
  let deepest = root
  for (let depth = 1; depth <= 8; depth += 1) {
    const { status, body } = await openChild(broker, deepest)
    expect({ status, depth: body.depth }).toEqual({ status: 201, depth })
    deepest = body
  }
  expectRefusal(await openChild(broker, deepest), 400, 'invalid_request')
  await broker.complete(root)
  expect((await broker.read(deepest)).body.end_reason).toBe('parent_ended')
})

test('a hundred tasks of one tree may be open', async () => {
  const root = await open()
  const children = await Promise.all(Array.from({ length: 99 }, () => openChild(broker, root)))
  expect(new Set(children.map(({ status }) => status))).toEqual(new Set([201]))
  const refused = await openChild(broker, children[5]!.body)
  expectRefusal(refused, 429, 'limit_exceeded')
  expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(1)
  await broker.complete(children[7]!.body)
  expect((await openChild(broker, root)).status).toBe(201)
  await broker.complete(root)
})
