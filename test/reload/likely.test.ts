/** What a reload forbids is found by what rows say, before each task is looked at (docs/decisions/0066). */
import { expect, test } from 'vitest'
import { recordedPrincipal } from '../../src/identity/principal.ts'
import type { Rules, TaskContext } from '../../src/tasks/context.ts'
import { reviewTasks } from '../../src/tasks/review.ts'
import { core, ended, permit, rules, scoped } from '../support/review.ts'
import type { Core } from '../support/lease-core.ts'

const noDeploys = `${permit} @id("none") forbid (principal, action == Mayfly::Action::"fake.use.deploy", resource);`

/** Reviews, and says which tasks had ended when the look at each began, and how many were read for themselves before. */
async function review(given: Core, under: Rules, changed: Partial<TaskContext> = {}) {
  const { tasks } = given.context
  let before: string[] | undefined
  let read = 0
  const get: typeof tasks.get = (tx, id) => ((read += before ? 0 : 1), tasks.get(tx, id))
  const over: string[] = []
  const end: typeof tasks.end = (tx, id, ...how) => (over.push(id), tasks.end(tx, id, ...how))
  const openAfter: typeof tasks.openAfter = (...asked) => ((before ??= [...over]), tasks.openAfter(...asked))
  const watched = { ...tasks, get, end, openAfter }
  await reviewTasks({ ...given.context, tasks: watched, ...changed }, () => under)
  return { before, read }
}

test('what is forbidden has ended before each task is looked at', async () => {
  const given = await core()
  for (let count = 0; count < 60; count += 1) await given.open({ scope: scoped('read') })
  const deploying = [
    await given.open({ scope: scoped('deploy') }),
    await given.open({ scope: scoped('deploy') }),
  ]
  const { before } = await review(given, rules(given, noDeploys))
  expect(before).toEqual(deploying.map(({ id }) => id).toSorted())
})

test('one speaks for all that differ by nothing that is read', async () => {
  const given = await core()
  for (let count = 0; count < 60; count += 1)
    await given.open({
      scope: scoped(count % 2 ? 'read' : 'deploy'),
      purpose: `${count}`,
      principal: recordedPrincipal({
        issuer: 'ci',
        iss: 'https://ci.test',
        subject: 'repo:acme/web',
        claims: { run_id: `${count}` },
      }),
    })
  const { before, read } = await review(given, rules(given, noDeploys))
  expect(before).toHaveLength(30)
  expect(read).toBe(2 + 30)
})

test('what differs by more than its row says is found by the look at each', async () => {
  const given = await core()
  await given.open({ scope: scoped('write') })
  const root = await given.open({ scope: scoped('write') })
  const child = await given.open({ scope: scoped('write'), parent: root.id, root: root.id, depth: 1 })
  const { leases } = given.context
  // The tree holds what others do not.
  const lockHeld: typeof leases.lockHeld = async (_tx, { tasks }) => (tasks.length > 0 ? ['deploy'] : [])
  const forbidding = rules(
    given,
    `${permit} @id("none") forbid (principal, action, resource) when { context.held.contains("deploy") };`,
  )
  const { before } = await review(given, forbidding, { leases: { ...leases, lockHeld } })
  expect(before).toEqual([])
  expect(new Set(await ended(given))).toEqual(new Set([root.id, child.id]))
})

test.each([
  ['says that it asks for something else', `scope = '${JSON.stringify(scoped('read'))}'`],
  ['is spoilt', "scope = 'no JSON', principal = 'nor this'"],
])('a forbidden one whose row %s ends all the same, and speaks for no other', async (_what, change) => {
  const given = await core()
  const altered = await given.open({ scope: scoped('deploy') })
  for (let count = 0; count < 10; count += 1) await given.open({ scope: scoped('read') })
  await given.store.beside(`update tasks set ${change} where id = '${altered.id}'`)
  const { read } = await review(given, rules(given, noDeploys))
  expect(await ended(given)).toEqual([altered.id])
  expect(read).toBeLessThanOrEqual(2)
})
