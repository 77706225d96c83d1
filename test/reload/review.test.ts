/** Many open tasks held against new rules: in turns with everybody else, and the most forbidden first. */
import { expect, test } from 'vitest'
import type { Class } from '../../src/provider/terms.ts'
import { reviewTasks } from '../../src/tasks/review.ts'
import { core, ended, permit, rules, scoped } from '../support/review.ts'
import { events } from '../support/store.ts'
import { recordedPrincipal } from '../../src/identity/principal.ts'
import type { Task } from '../../src/tasks/task.ts'
import { turnsDuring } from '../support/turns.ts'

/** What is held hangs on the moment: each task is decided by itself. */
const permitByHeld =
  '@id("held") permit (principal, action, resource) unless { context.held.contains("admin") };'
test.each([
  ['what is held', permitByHeld],
  ['the task alone', permit],
])(
  'a few tasks are a turn, and what goes on leaves no trace, where policy reads %s',
  async (_what, policy) => {
    const given = await core()
    for (let count = 0; count < 300; count += 1) await given.open({ scope: scoped('write') })
    const before = (await events(given.store)).length
    const allowing = rules(given, policy)
    const { turns } = await turnsDuring(() => reviewTasks(given.context, () => allowing))
    expect(turns).toBeGreaterThanOrEqual(300 / 50)
    expect(await events(given.store)).toHaveLength(before)
  },
)

test('where policy tells each from the others, a few decisions are a turn', async () => {
  const given = await core()
  for (let count = 0; count < 60; count += 1)
    await given.open({ scope: scoped('write'), purpose: `${count}` })
  const review = (policy: string) => {
    const under = rules(given, policy)
    return turnsDuring(() => reviewTasks(given.context, () => under))
  }
  const { turns: alike } = await review(permit)
  const { turns } = await review(
    `${permit} @id("bad") forbid (principal, action, resource) when { context.purpose == "bad" };`,
  )
  expect(turns - alike).toBeGreaterThanOrEqual(60 / 5 - 1)
})

test('what is gone altogether ends first, then what has most authority', async () => {
  const given = await core()
  const open = async (name: Class, changed = {}) => (await given.open({ scope: scoped(name), ...changed })).id
  const [read, write, deploy] = [await open('read'), await open('write'), await open('deploy')]
  const waiting = await open('deploy', { status: 'pending_approval' })
  for (let count = 0; count < 30; count += 1) await open('read')
  const gone = await open('read', { agent: 'removed-bot' })
  const late = await open('deploy', { agent: 'other-bot' })
  const forbidding = rules(given, '@id("none") forbid (principal, action, resource);')
  await reviewTasks(given.context, () => forbidding)
  const order = await ended(given)
  expect(order).toHaveLength(36)
  expect(order[0]).toBe(gone)
  expect(new Set(order.slice(1, 4))).toEqual(new Set([deploy, waiting, late]))
  expect(order[4]).toBe(write)
  expect(order).toContain(read)
})

test('those that are forbidden end before anything else is done about others, whatever authority those have', async () => {
  const given = await core()
  for (let count = 0; count < 60; count += 1) await given.open({ scope: scoped('deploy') })
  for (let count = 0; count < 10; count += 1) await given.open({ scope: scoped('read'), agent: 'other-bot' })
  const forbidding = rules(
    given,
    `${permit} @id("none") forbid (principal == Mayfly::Agent::"other-bot", action, resource);`,
  )
  const touched: string[] = []
  const { tasks } = given.context
  const get: typeof tasks.get = (tx, id) => (touched.push(id), tasks.get(tx, id))
  await reviewTasks({ ...given.context, tasks: { ...tasks, get } }, () => forbidding)
  // One of each kind tells what becomes of it.
  const [, , ...ending] = touched
  expect(ending).toEqual(await ended(given))
  expect(ending).toHaveLength(10)
})

test('of those that policy cannot tell apart one is decided, and the others end with it or go on', async () => {
  const given = await core()
  for (let count = 0; count < 60; count += 1)
    await given.open({ scope: scoped('write'), purpose: `${count}`, ttl: 60 + count })
  const deploying: string[] = []
  for (let count = 0; count < 30; count += 1) {
    deploying.push((await given.open({ scope: scoped('deploy'), purpose: `${count}` })).id)
    await given.open({ scope: scoped('read') })
  }
  const forbidding = rules(
    given,
    `${permit} @id("none") forbid (principal, action == Mayfly::Action::"fake.use.deploy", resource);`,
  )
  const { policies } = forbidding
  let decided = 0
  // Whoever decides asks for the groups that could approve.
  const counted = {
    ...policies,
    get approvals() {
      decided += 1
      return policies.approvals
    },
  }
  const counting = { ...forbidding, policies: counted }
  await reviewTasks(given.context, () => counting)
  expect(new Set(await ended(given))).toEqual(new Set(deploying))
  expect(decided).toBe(3)
})

test('what is held is asked once in a turn of those who hold it together', async () => {
  const given = await core()
  const open = (changed: Partial<Task>) => given.open({ scope: scoped('write'), ...changed })
  for (let count = 0; count < 60; count += 1) await open({ agent: count % 2 ? 'other-bot' : 'refactor-bot' })
  const forbidding = rules(
    given,
    `${permit} @id("none") forbid (principal, action, resource) when { context.held.contains("deploy") };`,
  )
  let asked = 0
  const { leases } = given.context
  const lockHeld: typeof leases.lockHeld = async (_tx, { agent }) => (
    (asked += 1),
    agent === 'other-bot' ? ['deploy'] : []
  )
  await reviewTasks({ ...given.context, leases: { ...leases, lockHeld } }, () => forbidding)
  expect(await ended(given)).toHaveLength(30)
  // Two agents by their rows, each of those that go, as it ends, and the other agent in the turn that is left.
  expect(asked).toBe(2 + 30 + 1)
})

test.each<[string, { subject?: string; claims?: Record<string, unknown>; task?: Partial<Task> }]>([
  ['context.purpose == "bad"', { task: { purpose: 'bad' } }],
  ['context.ttl > 100', { task: { ttl: 101 } }],
  ['context.depth > 0', { task: { depth: 1 } }],
  ['context.request.hasTag("ticket")', { task: { context: { ticket: '1' } } }],
  ['principal.subject == "repo:acme/web"', { subject: 'repo:acme/web' }],
  ['principal.hasTag("env")', { claims: { env: ['prod'] } }],
  ['principal.claims.hasTag("env")', { claims: { env: 'prod' } }],
])('one that policy tells apart by %s ends by itself', async (condition, { subject, claims, task }) => {
  const given = await core()
  const usual = { issuer: 'ci', iss: 'https://ci.test', subject: 'repo:acme/web:x', claims: {} }
  const open = (principal: object, changed: Partial<Task> = {}) =>
    given.open({
      scope: scoped('write'),
      ttl: 60,
      principal: recordedPrincipal({ ...usual, ...principal }),
      ...changed,
    })
  await open({})
  const other = await open({ ...(subject !== undefined && { subject }), ...(claims && { claims }) }, task)
  await open({})
  const forbidding = rules(
    given,
    `${permit} @id("none") forbid (principal, action, resource) when { ${condition} };`,
  )
  await reviewTasks(given.context, () => forbidding)
  expect(await ended(given)).toEqual([other.id])
})

test('one that has ended meanwhile speaks for no other', async () => {
  const given = await core()
  const open = () => given.open({ scope: scoped('write') })
  const [first, second] = [await open(), await open()]
  const { tasks } = given.context
  const get: typeof tasks.get = async (tx, id) => {
    const task = await tasks.get(tx, id)
    return task && id === first.id ? { ...task, status: 'completed' } : task
  }
  const forbidding = rules(given, '@id("none") forbid (principal, action, resource);')
  await reviewTasks({ ...given.context, tasks: { ...tasks, get } }, () => forbidding)
  expect(await ended(given)).toEqual([second.id])
})

test('rules that others have replaced end nothing more', async () => {
  const given = await core()
  for (let count = 0; count < 250; count += 1) await given.open({ scope: scoped('write') })
  const forbidding = rules(given, '@id("none") forbid (principal, action, resource);')
  const allowing = rules(given, permit)
  let asked = 0
  await reviewTasks(given.context, () => ((asked += 1) < 5 ? forbidding : allowing))
  const first = await ended(given)
  expect(first.length).toBeLessThan(250)
  await reviewTasks(given.context, () => allowing)
  expect(await ended(given)).toEqual(first)
})
