/** Somebody who can write to the database alters a task of a tree: it ends with the tree all the same (I3). */
import { expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { beside, rows } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()

type Body = Answer['body']

async function child(parent: Body): Promise<{ task: Body; secret: string }> {
  const { body: task } = await openChild(broker, parent)
  return { task, secret: (await broker.mint(task)).body.credential.token }
}

function alter({ id }: Body, column: string, value: string | null) {
  beside(broker, (db) => db.prepare(`update tasks set ${column} = ? where id = ?`).run(value, id))
}

const state = ({ id }: Body) => {
  const [row] = rows(broker, 'tasks', `id = '${id}'`)
  return [row!.status, row!.end_reason]
}
const ended = ['revoked', 'parent_ended']

test.each([
  ['parent', null, ended],
  ['parent', 'task_0', ended],
  ['root', 'task_0', ended],
  ['status', 'garbage', ended],
  ['status', 'completed', ['completed', null]],
])('a child with another %s, %j, ends with its parent', async (column, value, state_) => {
  const { body: root } = await broker.open()
  const { task, secret } = await child(root)
  const below = await child(task)
  alter(task, column, value)
  expect((await broker.complete(root)).status).toBe(200)
  expect(state(task)).toEqual(state_)
  expect(state(below.task)).toEqual(ended)
  await until(async () => (await broker.use(secret)) === 401)
  await until(async () => (await broker.use(below.secret)) === 401)
})

test('what hangs off one that says it is over, and holds nothing, ends too', async () => {
  const { body: root } = await broker.open()
  const { body: between } = await openChild(broker, root)
  const { task, secret } = await child(between)
  alter(between, 'status', 'expired')
  await broker.complete(root)
  expect(state(task)).toEqual(ended)
  await until(async () => (await broker.use(secret)) === 401)
})

test('an order that ends the parent says that it ended the child', async () => {
  const { body: root } = await broker.open()
  const { task, secret } = await child(root)
  alter(task, 'parent', null)
  const { body } = await broker.revoke({ task: root.id })
  expect(body).toMatchObject({ matched: 1, revoked: 1 })
  expect(body.tasks).toEqual([root.id, task.id])
  expect(await broker.use(secret)).toBe(401)
})

test('one that is over is left as it is', async () => {
  const { body: root } = await broker.open()
  const { task } = await child(root)
  await broker.complete(root)
  alter(task, 'parent', null)
  const { body: other } = await broker.open()
  const { body } = await broker.revoke({ task: other.id })
  expect(body.tasks).toEqual([other.id])
})
