/** What has ended goes when its time is up, and what is left still verifies (docs/decisions/0046). */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Head } from '../../src/audit/event.ts'
import { verifyExport } from '../../src/audit/verify-export.ts'
import { prune, type Retention } from '../../src/tasks/retention.ts'
import { retention as pruning } from '../../src/store/retention.ts'
import { endTask } from '../../src/tasks/end.ts'
import type { Task } from '../../src/tasks/task.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { hour, verified } from '../support/store.ts'

const day = 24 * hour
const kept: Retention = { tasks: 90 * day, audit: 400 * day }

const tidy = (core: Core, retention = kept) => prune(core.context, pruning, retention)
const complete = async (core: Core, task: Task) => {
  await core.context.unit.write((tx) =>
    endTask(core.context, tx, task, { reason: 'completed', actor: 'broker' }),
  )
  core.context.wake(core.clock.now())
  await core.quiet()
}
/** A task with a credential, ended again. */
async function lived(core: Core): Promise<Task> {
  const task = await core.open()
  await core.mint(task)
  await complete(core, task)
  return task
}
const isThere = async (core: Core, { id }: Task) =>
  (await core.context.unit.read((tx) => core.context.tasks.get(tx, id))) !== undefined
const numbers = async (core: Core) =>
  await core.context.unit.read(async (tx) => {
    const { tasks, leases, audit } = core.context
    return {
      tasks: (await tasks.find(tx, {})).length,
      leases: (await leases.find(tx, {})).length,
      events: (await audit.page(tx, undefined, 100_000)).length,
    }
  })
const expectIntact = async (core: Core) => expect((await verified(core.store)).discrepancies).toEqual([])

test('a task, its leases and their events go when each one’s time is up, and not before', async () => {
  await using core = await startCore()
  const task = await lived(core)
  const { events } = await numbers(core)
  await core.clock.advance(90 * day)
  await tidy(core)
  expect(await numbers(core)).toEqual({ tasks: 1, leases: 1, events })
  await core.clock.advance(1)
  await tidy(core)
  expect(await isThere(core, task)).toBe(false)
  // What was removed is on record.
  expect(await numbers(core)).toEqual({ tasks: 0, leases: 0, events: events + 1 })
  await expectIntact(core)
  await core.clock.advance(310 * day)
  await tidy(core)
  const after = await verified(core.store)
  expect(after).toMatchObject({ pruned: events, discrepancies: [] })
  await core.store.reopen()
  expect(core.store.intrusion()).toEqual({ doubts: [], damaged: [] })
  await expectIntact(core)
})

test('what is open, or still has to be ended, stays whatever its age', async () => {
  await using core = await startCore()
  const open = await core.open({ expiresAt: core.clock.now() + 900 * day })
  core.upstream.refuse = () => new ProviderError('unavailable', 'it is down')
  const leaving = await core.open()
  await core.mint(leaving)
  await core.context.unit.write((tx) =>
    endTask(core.context, tx, leaving, { reason: 'completed', actor: 'broker' }),
  )
  const none: Retention = { tasks: 0, audit: 0 }
  await core.clock.advance(1)
  await tidy(core, none)
  expect(await isThere(core, open)).toBe(true)
  expect(await isThere(core, leaving)).toBe(true)
  await expectIntact(core)
})

test('what somebody else has altered stays, and so does the record from there on', async () => {
  await using core = await startCore()
  const [task, other] = [await lived(core), await lived(core)]
  await core.store.beside(`update tasks set purpose = 'another' where id = '${task.id}'`)
  await core.store.beside(`update audit_events set actor = 'admin:mallory' where seq = 3`)
  await core.clock.advance(500 * day)
  await tidy(core)
  expect(await isThere(core, task)).toBe(true)
  expect(await isThere(core, other)).toBe(false)
  const { discrepancies, pruned } = await verified(core.store)
  expect(pruned).toBe(2)
  expect(discrepancies.map(({ seq, subject }) => seq ?? subject)).toEqual(
    expect.arrayContaining([3, task.id]),
  )
  expect(core.errors.filter((message) => message.startsWith('the record is not'))).toHaveLength(1)
})

test('a row that is deleted before its time, or whose end is not on record, is missed', async () => {
  await using core = await startCore()
  const early = await lived(core)
  await core.clock.advance(91 * day)
  const late = await lived(core)
  await tidy(core)
  await core.store.beside(
    `delete from leases where task = '${late.id}'; delete from tasks where id = '${late.id}'`,
  )
  const missed = (await verified(core.store)).discrepancies.map(({ subject }) => subject)
  expect(missed).toContain(late.id)
  expect(missed).not.toContain(early.id)
})

test('a head from before the anchor is no fault of the record; one that the anchor gives the lie to is', async () => {
  await using core = await startCore()
  await lived(core)
  const { head: anchor } = await verified(core.store)
  const [first] = await core.context.unit.read((tx) => core.context.audit.page(tx, undefined, 1))
  await core.clock.advance(500 * day)
  await tidy(core)
  const told = async (expected: Head) => {
    const { isHeadPruned, pruned, discrepancies } = await verified(core.store, { expected })
    expect(pruned).toBe(anchor.seq)
    return { isHeadPruned, discrepancies }
  }
  expect(await told(first!)).toEqual({ isHeadPruned: true, discrepancies: [] })
  expect(await told(anchor)).toEqual({ isHeadPruned: false, discrepancies: [] })
  expect(await told({ ...anchor, mac: first!.mac })).toEqual({
    isHeadPruned: false,
    discrepancies: [{ seq: anchor.seq, message: 'it is not the event whose head was noted' }],
  })
})

test('events that were pruned cannot come back, and the anchor is not anybody’s to move', async () => {
  await using core = await startCore()
  await lived(core)
  await core.store.beside('create table gone as select * from audit_events where seq < 3')
  await core.clock.advance(500 * day)
  await tidy(core)
  await core.store.beside('insert into audit_events select * from gone')
  expect((await verified(core.store)).discrepancies.map(({ seq }) => seq)).toEqual(
    expect.arrayContaining([1, 2]),
  )
  await core.store.beside(
    `delete from audit_events where seq < 3; drop table gone; update cursors set seq = seq + 1 where mac is not null`,
  )
  expect((await verified(core.store)).discrepancies.length).toBeGreaterThan(0)
})

test('a step that cannot be committed leaves everything as it was', async () => {
  await using core = await startCore()
  await lived(core)
  await core.clock.advance(500 * day)
  const before = await numbers(core)
  const { unit, audit } = core.context
  const cut = unit.write(async (tx) => {
    expect((await pruning.pruneTasks(tx, core.clock.now(), undefined)).removed).toBe(1)
    expect((await pruning.pruneEvents(tx, core.clock.now())).removed).toBeGreaterThan(0)
    audit.record(tx, { at: core.clock.now(), type: 'retention.applied', actor: 'broker' })
    throw new Error('the machine goes down here')
  })
  await expect(cut).rejects.toThrow('goes down')
  expect(await numbers(core)).toEqual(before)
  await expectIntact(core)
  await core.store.reopen()
  await expectIntact(core)
})

test('whatever happens when, the record verifies, and so does an export of it', async () => {
  const step = fc.record({
    does: fc.constantFrom('lives', 'opens', 'tidies', 'reopens'),
    days: fc.integer({ min: 0, max: 6 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      await using core = await startCore()
      for (const { does, days } of steps) {
        if (does === 'lives') await lived(core)
        if (does === 'opens') await core.open({ expiresAt: core.clock.now() + 3 * day })
        if (does === 'tidies') await tidy(core, { tasks: 5 * day, audit: 12 * day })
        if (does === 'reopens') await core.store.reopen()
        await core.pass(days * day)
        await expectIntact(core)
      }
      const { seal, audit, unit } = core.store
      const { items } = await unit.read((tx) => audit.list(tx, {}, { limit: 1000, oldestFirst: true }))
      const exported = await verifyExport(
        (async function* () {
          yield* items
        })(),
        { seal },
      )
      expect(exported.discrepancies).toEqual([])
    }),
    { numRuns: 12 },
  )
})
