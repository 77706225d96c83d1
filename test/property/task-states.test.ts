import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { sound } from '../support/store.ts'
import { endReasons, endStatus, type Task } from '../../src/tasks/task.ts'
import { newId } from '../../src/base/id.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { expectAllowedMoves } from './moves.ts'

const nth = fc.nat({ max: 4 })
const step = fc.oneof(
  fc.record({ do: fc.constant('open'), pending: fc.boolean(), ttl: fc.integer({ min: 1, max: 1000 }) }),
  fc.record({ do: fc.constant('approve'), task: nth, ttl: fc.integer({ min: 1, max: 1000 }) }),
  // Several at once: an admin, the reaper and the workload may all want to end the same task.
  fc.record({
    do: fc.constant('end'),
    task: nth,
    reasons: fc.array(fc.constantFrom(...endReasons), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ do: fc.constant('mint'), task: nth }),
  fc.record({ do: fc.constant('pass'), ms: fc.nat({ max: 400_000 }) }),
  fc.record({ do: fc.constant('restart') }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

async function open({ store, clock, ...core }: Core, pending: boolean, ttl: number): Promise<void> {
  const status = pending ? 'pending_approval' : 'active'
  const task = await core.open({ status, ttl, expiresAt: clock.now() + ttl * 1000 })
  if (!pending) return
  const asked = { id: newId('appr'), task: task.id, group: 'security', digest: 'd', createdAt: clock.now() }
  await store.unit.write(async (tx) => {
    await store.approvals.insert(tx, { ...asked, status: 'pending', settled: null })
    const { id: approval, group, digest } = asked
    const data = { approval, group, digest }
    store.audit.record(tx, {
      at: clock.now(),
      type: 'approval.requested',
      actor: 'broker',
      task: task.id,
      data,
    })
  })
}

async function approve({ store, clock, reaper }: Core, { id }: Task, ttl: number): Promise<void> {
  const expiresAt = clock.now() + ttl * 1000
  await store.unit.write(async (tx) => {
    if (!(await store.tasks.activate(tx, id, expiresAt))) return
    const settled = { by: 'okta:alice', at: clock.now(), reason: null, mac: 'mac', key: 'k1' }
    for (const asked of await store.approvals.ofTask(tx, id)) {
      await store.approvals.settle(tx, asked.id, 'granted', settled)
      store.audit.record(tx, {
        at: clock.now(),
        type: 'approval.granted',
        actor: `admin:${settled.by}`,
        task: id,
        data: { approval: asked.id, reason: settled.reason },
      })
    }
    store.audit.record(tx, {
      at: clock.now(),
      type: 'task.approved',
      actor: 'broker',
      task: id,
      status: 'active',
    })
  })
  reaper.wake(expiresAt)
}

async function take(core: Core, taken: Step): Promise<void> {
  const tasks = (await core.store.unit.read((tx) => core.store.tasks.find(tx, {}))).map(sound)
  if (taken.do === 'open') return await open(core, taken.pending, taken.ttl)
  if (taken.do === 'pass') return await core.pass(taken.ms)
  if (taken.do === 'restart') {
    await core.reaper.stop()
    return await core.reaper.start()
  }
  const task = tasks[taken.task]
  if (!task) return
  if (taken.do === 'approve') await approve(core, task, taken.ttl)
  else if (taken.do === 'end') await Promise.all(taken.reasons.map((reason) => core.end(task, reason)))
  else await core.mint(task).catch(() => undefined)
}

/** What must hold of every task once all that is due was looked at. */
async function expectSound({ store, clock }: Core): Promise<void> {
  for (const task of (await store.unit.read((tx) => store.tasks.find(tx, {}))).map(sound)) {
    const { id, status, endReason, endedAt } = task
    const over = status !== 'active' && status !== 'pending_approval'
    expect({ id, over }).toEqual({ id, over: endedAt !== null })
    if (!over) {
      expect(endReason).toBeNull()
      expect(task.expiresAt).toBeGreaterThan(clock.now())
      continue
    }
    expect(status).toBe(endStatus[endReason!])
    const left = await store.unit.read((tx) =>
      store.leases.find(tx, { task: id, statuses: unfinishedStatuses }),
    )
    expect(left).toEqual([])
    const approvals = await store.unit.read((tx) => store.approvals.ofTask(tx, id))
    expect(approvals.map(sound).filter((approval) => approval.status === 'pending')).toEqual([])
  }
  await expectAllowedMoves(store)
}

it(
  'tasks only ever move as design §6 allows, end once, and end with their leases (I3)',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 20, size: 'max' }), async (steps) => {
        await using core = await startCore()
        await open(core, true, 600)
        await open(core, false, 600)
        for (const each of steps) {
          await take(core, each)
          await core.quiet()
          await expectSound(core)
        }
        await core.pass(1_000_000)
        await expectSound(core)
        expect(core.upstream.working()).toEqual([])
        for (const task of await core.store.unit.read((tx) => core.store.tasks.find(tx, {}))) {
          expect(task.endedAt).not.toBeNull()
          expect((await core.history(task.id)).filter((type) => type === 'task.ended')).toHaveLength(1)
        }
      }),
      { numRuns: 20 },
    )
  },
)
