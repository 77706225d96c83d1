/** What became of many leases goes on record in few units of work (docs/decisions/0060). */
import { expect, test } from 'vitest'
import { Together } from '../../src/base/together.ts'
import type { Told, Unit } from '../../src/base/unit.ts'
import { manualClock } from '../support/clock.ts'
import { startCore } from '../support/lease-core.ts'
import { noon, verified } from '../support/store.ts'

/** The core's store, in which each unit of work that writes is counted. */
async function counted() {
  const core = await startCore()
  const units: number[] = []
  const write: Unit['write'] = async (work) => {
    units.push(units.length)
    return await core.context.unit.write(work)
  }
  return { core, units, records: new Together({ unit: { write }, clock: core.clock }) }
}

test('what comes while one is written goes into the next, and each has its own answer', async () => {
  const { core, units, records } = await counted()
  await using _ = core
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await core.minted()).lease.id))
  const moved = await Promise.all(
    ids.map((id) =>
      records.write(async (tx) => {
        await core.context.leases.amend(tx, id, ['active'], { attempts: 1 })
        return id
      }),
    ),
  )
  expect(moved).toEqual(ids)
  expect(units.length).toBeLessThanOrEqual(2)
  for (const id of ids) expect((await core.lease(id)).attempts).toBe(1)
})

test('one that fails undoes nothing but its own', async () => {
  const { core, records } = await counted()
  await using _ = core
  const ids = await Promise.all(Array.from({ length: 5 }, async () => (await core.minted()).lease.id))
  const outcomes = await Promise.allSettled(
    ids.map((id, at) =>
      records.write(async (tx) => {
        await core.context.leases.amend(tx, id, ['active'], { failingSince: noon })
        if (at === 2) throw new Error('this one')
      }),
    ),
  )
  expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true])
  const since = await Promise.all(ids.map(async (id) => (await core.lease(id)).failingSince))
  expect(since).toEqual([noon, noon, null, noon, noon])
  expect((await verified(core.store)).discrepancies).toEqual([])
})

test('all are told where the store takes nothing, and the next are tried again', async () => {
  let broken = true
  const write: Unit['write'] = (work) =>
    broken ? Promise.reject(new Error('full')) : work(undefined as never)
  await using core = await startCore()
  const records = new Together({ unit: { write }, clock: core.clock })
  const outcomes = await Promise.allSettled([1, 2, 3].map((n) => records.write(async () => n)))
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
  broken = false
  expect(await records.write(async () => 4)).toBe(4)
})

test('a unit that is run anew does all of its works again', async () => {
  const write: Unit['write'] = async (work) => {
    await work(undefined as never).catch(() => undefined)
    return await work(undefined as never)
  }
  await using core = await startCore()
  const records = new Together({ unit: { write }, clock: core.clock })
  const runs = [0, 0, 0]
  const done = runs.map((_, at) =>
    records.write(async () => {
      runs[at]! += 1
      if (at === 1 && runs[at] === 1) throw new Error('what was before it could not be written')
      return at
    }),
  )
  expect(await Promise.all(done)).toEqual([0, 1, 2])
  // The last was not come to the first time.
  expect(runs).toEqual([2, 2, 1])
})

/** What a store hears beforehand, if it asks now. */
const saidBy = (about: readonly Told[]) =>
  about.flatMap((told) => (typeof told === 'function' ? told() : told))

test('what comes while a unit waits for its turn is said beforehand too', async () => {
  const turn = Promise.withResolvers<void>()
  const told: unknown[] = []
  const write: Unit['write'] = async (work, ...about) => {
    told.push(saidBy(about))
    await turn.promise
    told.push(saidBy(about))
    return await work(undefined as never)
  }
  const records = new Together({ unit: { write }, clock: manualClock(noon) })
  const first = records.write(() => Promise.resolve(1), { lease: 'first' })
  const second = records.write(() => Promise.resolve(2), { lease: 'second' })
  turn.resolve()
  expect(await Promise.all([first, second])).toEqual([1, 2])
  expect(told).toEqual([[{ lease: 'first' }], [{ lease: 'first' }, { lease: 'second' }]])
})

test('of a crowd is said beforehand what the next unit may come to, and no more', async () => {
  let now = noon
  const told: number[] = []
  const write: Unit['write'] = async (work, ...about) => {
    told.push(saidBy(about).length)
    return await work(undefined as never)
  }
  const records = new Together({ unit: { write }, clock: { ...manualClock(noon), now: () => now } })
  const first = records.write(async () => void (now += 1_000), { lease: 'first' })
  // More than a call can have arguments.
  const crowd = Array.from({ length: 150_000 }, (_, n) =>
    records.write(async () => n, { lease: `lease ${n}` }),
  )
  await first
  expect((await Promise.all(crowd)).at(-1)).toBe(149_999)
  expect(told).toEqual([1, 200])
})
