import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { down, no, type FakeUpstream, upstream } from '../support/fake-upstream.ts'
import { type Core, startCore } from '../support/lease-core.ts'

const minute = 60_000

let core: Core
let second: FakeUpstream
let batching: FakeUpstream
beforeEach(async () => {
  core = await startCore((clock) => {
    second = upstream(clock, { name: 'two' })
    batching = upstream(clock, { name: 'batching', revokesAtOnce: 10 })
    return [second, batching]
  })
})
afterEach(() => core[Symbol.asyncDispose]())

describe('many leases', () => {
  it('share calls where upstream takes several at once', async () => {
    const task = await core.open()
    const leases = []
    for (let n = 0; n < 25; n += 1) leases.push((await core.mint(task, { through: batching })).lease)
    await core.end(task)
    await core.quiet()
    expect(batching.calls.map((call) => call.length)).toEqual([10, 10, 5])
    expect(batching.calls.flat().toSorted()).toEqual(leases.map(({ id }) => id).toSorted())
  })

  it('in one call each have an outcome of their own', async () => {
    const task = await core.open()
    const [bad, good] = [
      (await core.mint(task, { through: batching })).lease,
      (await core.mint(task, { through: batching })).lease,
    ]
    batching.refuse = (id) => (id === bad.id ? no() : undefined)
    await core.end(task)
    await core.quiet()
    expect(await core.lease(bad.id)).toHaveProperty('status', 'irrevocable')
    expect(await core.lease(good.id)).toHaveProperty('status', 'revoked')
  })

  it('of a dead connection do not delay those of another (I4)', async () => {
    const dead = await Promise.all(Array.from({ length: 40 }, () => core.minted()))
    const alive = await core.minted(second)
    core.upstream.during = () => new Promise<never>(() => undefined)
    for (const { task } of dead) await core.end(task)
    await core.end(alive.task)
    void Promise.all(dead.map(async ({ lease }) => core.revoker.revoke(await core.lease(lease.id))))
    await core.revoker.revoke(await core.lease(alive.lease.id))
    expect(await core.lease(alive.lease.id)).toHaveProperty('status', 'revoked')
    expect(core.upstream.calls.length).toBeLessThanOrEqual(32)
  })

  it('that wait for an upstream are revoked at once when it answers again after a silence', async () => {
    const [first, other] = [await core.minted(), await core.minted()]
    core.upstream.refuse = down
    await core.end(first.task)
    await core.end(other.task)
    for (let n = 0; n < 8; n += 1) await core.pass(minute / 2)
    const [one, two] = [await core.lease(first.lease.id), await core.lease(other.lease.id)]
    core.upstream.refuse = () => undefined
    await core.pass(Math.min(one.dueAt!, two.dueAt!) - core.clock.now())
    expect(await core.lease(first.lease.id)).toHaveProperty('status', 'revoked')
    expect(await core.lease(other.lease.id)).toHaveProperty('status', 'revoked')
  })

  it('that upstream answers now with an error and now with a no are not retried without end', async () => {
    const [busy, refused] = [await core.minted(), await core.minted()]
    core.upstream.refuse = (id) => (id === refused.lease.id ? no() : down())
    await core.end(busy.task)
    await core.end(refused.task)
    for (let n = 0; n < 60; n += 1) await core.pass(1000)
    // By itself each would make about twelve attempts in the first minute.
    expect(core.upstream.calls.length).toBeLessThanOrEqual(30)
  })
})
