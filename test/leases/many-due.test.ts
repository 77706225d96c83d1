/** Thousands of tasks end in one second. */
import { expect, test } from 'vitest'
import { type Core, startCore } from '../support/lease-core.ts'
import { events, verified } from '../support/store.ts'
import { untilNow } from '../support/until.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** So many tasks of one deadline, with a credential each. */
async function due(core: Core, count: number): Promise<string[]> {
  const expiresAt = core.clock.now() + 1_000
  const tasks = Array.from({ length: count }, async () => {
    const task = await core.open({ expiresAt })
    await core.mint(task)
    return task.id
  })
  return await Promise.all(tasks)
}

test('the credentials of the first are revoked while the last are still being ended', async () => {
  await using core = await startCore()
  const { unit, tasks } = core.context
  const deadline = core.clock.now() + 1_000
  await due(core, 500)
  let waiting: Promise<number> | undefined
  core.upstream.during = async () => {
    waiting ??= unit.read(async (tx) => (await tasks.due(tx, deadline, 1_000)).length)
  }
  await core.pass(1_000)
  await core.quiet()
  expect(await waiting).toBeGreaterThan(0)
  expect(core.upstream.working()).toEqual([])
  expect(core.upstream.calls).toHaveLength(500)
})

test('of a crowd, what upstream answers goes on record before the ends of tasks do, each lease as a whole', async () => {
  await using core = await startCore()
  await due(core, 300)
  core.upstream.during = () => turn().then(turn)
  await core.pass(1_000)
  await core.quiet()
  const types = (await events(core.store)).map(({ type }) => type)
  const before = types.slice(0, types.indexOf('task.ended'))
  expect(before.filter((type) => type === 'lease.revoked').length).toBeGreaterThanOrEqual(200)
  expect(types.filter((type) => type === 'lease.retired')).toHaveLength(300)
  expect((await verified(core.store)).discrepancies).toEqual([])
})

test('an upstream that answers for none of a crowd keeps none of its tasks open', async () => {
  await using core = await startCore()
  const tasks = await due(core, 150)
  const answer = Promise.withResolvers<void>()
  core.upstream.during = () => answer.promise
  await core.clock.advance(1_000)
  for (const id of tasks) await untilNow(core.clock, async () => (await core.task(id)).status === 'expired')
  answer.resolve()
  await core.quiet()
})
