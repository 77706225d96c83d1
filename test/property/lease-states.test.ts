import fc from 'fast-check'
import { expect, it } from 'vitest'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { retire } from '../../src/leases/retire.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import { endReasons } from '../../src/tasks/task.ts'
import { hour, sound } from '../support/store.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { expectAllowedMoves } from './moves.ts'

const minute = 60_000
const nth = fc.nat({ max: 5 })
const failures = {
  none: undefined,
  down: new ProviderError('unavailable', 'upstream is down'),
  no: new ProviderError('rejected', 'upstream says no'),
}
const health = fc.constantFrom('none', 'none', 'down', 'no')

const step = fc.oneof(
  fc.record({ do: fc.constant('open'), ttl: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({
    do: fc.constant('mint'),
    task: nth,
    fate: fc.constantFrom('ok', 'ok', 'ok', 'wider', 'rejected', 'unavailable', 'lost', 'held', 'held'),
    revocation: fc.constantFrom('immediate', 'immediate', 'eventual', 'expiry'),
    clientGone: fc.boolean(),
  }),
  fc.record({ do: fc.constant('release') }),
  fc.record({ do: fc.constant('end'), task: nth, reason: fc.constantFrom(...endReasons) }),
  fc.record({ do: fc.constant('give back'), lease: nth }),
  fc.record({
    do: fc.constant('upstream'),
    revokes: health,
    recovers: fc.constantFrom('finds', 'cannot tell', 'down', 'no'),
  }),
  fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.nat({ max: 40_000 }), fc.nat({ max: 700_000 })) }),
  fc.record({ do: fc.constant('restart') }),
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** Takes one step; what cannot be done now is left. */
async function take(core: Core, taken: Step, minting: Promise<unknown>[]): Promise<void> {
  const { store, context, upstream, clock } = core
  const tasks = (await store.unit.read((tx) => store.tasks.find(tx, {}))).map(sound)
  switch (taken.do) {
    case 'open':
      await core.open({ expiresAt: clock.now() + taken.ttl * 1000 })
      return
    case 'mint': {
      const task = tasks[taken.task]
      if (!task) return
      upstream.fates = [taken.fate]
      upstream.revocationIs = taken.revocation
      const gone = taken.clientGone ? AbortSignal.abort() : undefined
      const mint = core.mint(task, { ...(gone && { gone }) }).catch(() => undefined)
      minting.push(mint)
      // A mint that is held goes on beside the steps that follow.
      await (taken.fate === 'held' ? new Promise((resolve) => setTimeout(resolve, 2)) : mint)
      return
    }
    case 'release':
      upstream.release()
      return
    case 'end':
      if (tasks[taken.task]) await core.end(tasks[taken.task]!, taken.reason)
      return
    case 'give back': {
      const leases = await store.unit.read((tx) => store.leases.find(tx, {}))
      const id = leases[taken.lease]?.id
      if (id === undefined) return
      await store.unit.write((tx) => retire(context, tx, { id }, { reason: 'given back', actor: 'broker' }))
      core.reaper.wake(clock.now())
      return
    }
    case 'upstream':
      upstream.refuse = () => failures[taken.revokes]
      upstream.recovery =
        taken.recovers === 'down' || taken.recovers === 'no' ? failures[taken.recovers] : taken.recovers
      return
    case 'pass':
      await core.pass(taken.ms)
      return
    case 'restart':
      await core.reaper.stop()
      await core.reaper.start()
      await core.quiet()
  }
}

/** Invariants that hold between any two steps, once all that is due was looked at. */
async function expectSound({ store }: Core): Promise<void> {
  const tasks = (await store.unit.read((tx) => store.tasks.find(tx, {}))).map(sound)
  const leases = (await store.unit.read((tx) => store.leases.find(tx, {}))).map(sound)
  const over = new Set(tasks.filter(({ endedAt }) => endedAt !== null).map(({ id }) => id))
  for (const lease of leases) {
    const { id, status } = lease
    if (over.has(lease.task)) expect({ id, status }).not.toEqual({ id, status: 'active' })
    if (over.has(lease.task)) expect({ id, status }).not.toEqual({ id, status: 'pending' })
    if ((unfinishedStatuses as readonly string[]).includes(status)) {
      expect(lease).toMatchObject({ dueAt: expect.any(Number), endedAt: null })
      continue
    }
    const { handle, secretHash, dueAt } = lease
    // A deny that is kept up is written from the handles: they stay until upstream no longer needs them.
    const kept = status === 'revoked' && lease.revocation === 'eventual' && handle !== null
    if (kept) expect(dueAt).toBe(lease.upstreamExpiresAt)
    else expect({ id, handle, dueAt }).toEqual({ id, handle: null, dueAt: null })
    expect({ id, secretHash, ended: lease.endedAt !== null }).toEqual({ id, secretHash: null, ended: true })
  }
  await expectAllowedMoves(store)
}

it(
  'leases only ever move as design §6 allows, and none outlives its task for good (I3, I4)',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20, size: 'max' }), async (steps) => {
        await using core = await startCore()
        const minting: Promise<unknown>[] = []
        await core.open()
        await core.open({ expiresAt: core.clock.now() + hour })
        for (const each of steps) {
          await take(core, each, minting)
          await core.quiet()
          await expectSound(core)
        }
        // Everything answers again, and every task ends.
        core.upstream.refuse = () => undefined
        core.upstream.recovery = 'finds'
        core.upstream.release()
        await Promise.all(minting)
        for (const task of await core.store.unit.read((tx) => core.store.tasks.find(tx, {})))
          await core.end(sound(task))
        await core.pass(minute)
        const leases = (await core.store.unit.read((tx) => core.store.leases.find(tx, {}))).map(sound)
        // The exceptions of I3, each to be seen on its lease.
        const mayLive = leases
          .filter(({ revocation, liveUntil }) => revocation === 'expiry' || liveUntil !== null)
          .map(({ id }) => id)
        expect(core.upstream.working().filter((id) => !mayLive.includes(id))).toEqual([])
        await core.pass(2 * hour)
        await expectSound(core)
        const left = await core.store.unit.read((tx) =>
          core.store.leases.find(tx, { statuses: unfinishedStatuses }),
        )
        expect(left).toEqual([])
        expect(core.upstream.working()).toEqual([])
      }),
      { numRuns: 20 },
    )
  },
)
