/** Many mints whose outcome nobody saw: from then on they are tried one at a time, until one is answered. */
import { expect, onTestFinished, test } from 'vitest'
import { Agents } from '../../src/agents/registry.ts'
import { manualClock } from '../support/clock.ts'
import type { Lease } from '../../src/leases/lease.ts'
import { leaseRefusal } from '../../src/tasks/limits.ts'
import type { Rules, TaskContext } from '../../src/tasks/context.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, put, unanswered } from '../support/store.ts'

async function unlucky() {
  const store = await sqliteStore()
  onTestFinished(() => store[Symbol.asyncDispose]())
  const clock = manualClock(noon)
  const task = aTask()
  await store.unit.write((tx) => put(store, tx, task))
  const context = { leases: store.leases, clock } as unknown as TaskContext
  const limits = { liveLeases: { task: 50, agent: 500 } }
  const rules = { limits, agents: new Agents([]) } as Partial<Rules> as Rules
  const refusal = (connection = 'one') => {
    const entry = { name: connection, provider: { type: 'fake' } }
    return store.unit.read((tx) => leaseRefusal(context, tx, rules, task, { entry } as never))
  }
  const add = (count: number, changed: Partial<Lease> = {}) =>
    store.unit.write(async (tx) => {
      const lost = { ...unanswered, status: 'revoking', createdAt: clock.now(), ...changed } as const
      for (let n = 0; n < count; n += 1) await store.leases.insert(tx, aLease(task, lost))
    })
  return { clock, refusal, add }
}

test('up to a thousand keep nobody', async () => {
  const { refusal, add } = await unlucky()
  await add(999)
  expect(await refusal()).toBeUndefined()
})

test('beyond, there are ten seconds between one and the next, and it is told how many are left', async () => {
  const { clock, refusal, add } = await unlucky()
  await add(1000)
  expect(await refusal()).toMatchObject({ code: 'limit_exceeded', facts: { retryAfter: 10 } })
  await clock.advance(4_000)
  expect(await refusal()).toMatchObject({ facts: { retryAfter: 6 } })
  await clock.advance(6_000)
  expect(await refusal()).toBeUndefined()

  // The next is under way, and has no answer yet.
  await add(1, { status: 'pending' })
  expect(await refusal()).toMatchObject({ facts: { retryAfter: 10 } })
})

test('another connection is not meant, and an answer ends it', async () => {
  const { refusal, add } = await unlucky()
  await add(1000)
  expect(await refusal('two')).toBeUndefined()
  await add(1, { status: 'failed' })
  expect(await refusal()).toBeUndefined()
})
