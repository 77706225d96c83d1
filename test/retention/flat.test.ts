/** Weeks of steady use: the store, and what a mint reads of it, stay as large as they were. */
import { StatementSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { retention as pruning } from '../../src/store/retention.ts'
import { endTask } from '../../src/tasks/end.ts'
import { prune } from '../../src/tasks/retention.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { hour, verified } from '../support/store.ts'

const day = 24 * hour
const kept = { tasks: 3 * day, audit: 5 * day }
/** So many a day stand for a hundred a second. */
const daily = 6

async function live(core: Core): Promise<void> {
  for (let n = 0; n < daily; n += 1) {
    const task = await core.open()
    await core.mint(task)
    await core.context.unit.write((tx) =>
      endTask(core.context, tx, task, { reason: 'completed', actor: 'broker' }),
    )
  }
  core.context.wake(core.clock.now())
  await core.quiet()
  await core.pass(day)
  await prune(core.context, pruning, kept)
}

/** Rows that opening a task and minting in it read. */
async function rowsRead(core: Core): Promise<number> {
  const all = vi.spyOn(StatementSync.prototype, 'all')
  await core.mint(await core.open())
  const read = all.mock.results.reduce((sum, { value }) => sum + (value as unknown[]).length, 0)
  all.mockRestore()
  return read
}

test('thirty days cost no more than the days that are kept', async () => {
  await using core = await startCore()
  const pages = async () => {
    const { tasks, audit, leases } = core.context
    return await core.context.unit.read(async (tx) => ({
      tasks: (await tasks.find(tx, {})).length,
      leases: (await leases.find(tx, {})).length,
      events: (await audit.page(tx, undefined, 100_000)).length,
    }))
  }
  for (let days = 0; days < 10; days += 1) await live(core)
  const [full, read] = [await pages(), await rowsRead(core)]
  for (let days = 10; days < 30; days += 1) await live(core)
  const after = await pages()
  expect(after.tasks).toBeLessThanOrEqual(full.tasks + 1)
  expect(after.leases).toBeLessThanOrEqual(full.leases + 1)
  expect(after.events).toBeLessThanOrEqual(full.events + 10)
  expect(await rowsRead(core)).toBe(read)
  expect((await verified(core.store)).discrepancies).toEqual([])
})
