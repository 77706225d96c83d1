import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ProviderError } from '../../src/provider.ts'
import { refuseWrites } from '../support/database.ts'
import { hour } from '../contract/store-subject.ts'
import { type Core, startCore } from './core.ts'
import { type Upstream, upstream } from './upstream.ts'

const minute = 60_000
const down = () => new ProviderError('unavailable', 'upstream is down')
const no = () => new ProviderError('rejected', 'upstream says no')

let core: Core
let second: Upstream
let batching: Upstream
beforeEach(async () => {
  core = await startCore((clock) => {
    second = upstream(clock, { name: 'two' })
    batching = upstream(clock, { name: 'batching', revokesAtOnce: 10 })
    return [second, batching]
  })
})
afterEach(() => core[Symbol.asyncDispose]())

/** A task with one lease, minted just now. */
async function minted(through?: Upstream) {
  const task = await core.open({ expiresAt: core.clock.now() + hour })
  const { lease } = await core.mint(task, { ...(through && { through }) })
  return { task, lease }
}

describe('a lease on its way out', () => {
  it('is revoked, forgotten and probed, each with its event', async () => {
    const { task, lease } = await minted()
    await core.end(task)
    await core.quiet()
    const now = core.clock.now()
    const gone = { handle: null, secretHash: null, dueAt: null, endedAt: now }
    const evidence = { result: 'dead', method: 'it was tried', at: now }
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoked', ...gone, evidence })
    expect(core.upstream.working()).toEqual([])
    expect(await core.history(lease.id)).toEqual([
      'lease.intended',
      'lease.minted',
      'lease.retired',
      'lease.revoked',
      'lease.evidence',
    ])
  })

  it('is worked on once at a time, however often it is handed in', async () => {
    const { task, lease } = await minted()
    const gate = Promise.withResolvers<void>()
    core.upstream.during = () => gate.promise
    await core.end(task)
    const leaving = await core.lease(lease.id)
    const all = Promise.all(Array.from({ length: 5 }, () => core.revoker.revoke(leaving)))
    expect(core.revoker.isUnderWay(lease.id)).toBe(true)
    gate.resolve()
    await all
    expect(core.revoker.isUnderWay(lease.id)).toBe(false)
    expect(core.upstream.calls).toEqual([[lease.id]])
  })

  it('that is revoked again stays as it is, with no second event (I5)', async () => {
    const { task, lease } = await minted()
    await core.end(task)
    const leaving = await core.lease(lease.id)
    await core.quiet()
    const [before, history] = [await core.lease(lease.id), await core.history(lease.id)]
    await core.revoker.revoke(leaving)
    expect(await core.lease(lease.id)).toEqual(before)
    expect((await core.history(lease.id)).filter((type) => type === 'lease.revoked')).toHaveLength(1)
    expect(history).toContain('lease.revoked')
  })

  it('that upstream fails on is tried again later, and known to be failing', async () => {
    const { task, lease } = await minted()
    core.upstream.refuse = down
    await core.end(task)
    const start = core.clock.now()
    await core.quiet()
    const failing = await core.lease(lease.id)
    expect(failing).toMatchObject({ status: 'revoking', attempts: 1, failingSince: start })
    expect(failing.handle).not.toBeNull()
    expect(failing.dueAt! - start).toBeGreaterThanOrEqual(250)
    expect(failing.dueAt! - start).toBeLessThanOrEqual(500)
    core.upstream.refuse = () => undefined
    await core.pass(failing.dueAt! - start)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoked')
  })

  it('is not tried again before upstream asks for it, within a minute', async () => {
    const { task, lease } = await minted()
    core.upstream.refuse = () => new ProviderError('unavailable', 'too many requests', { retryAfter: 20 })
    await core.end(task)
    await core.quiet()
    expect((await core.lease(lease.id)).dueAt).toBe(core.clock.now() + 20_000)
    core.upstream.refuse = () => new ProviderError('unavailable', 'too many requests', { retryAfter: 3600 })
    await core.pass(20_000)
    expect((await core.lease(lease.id)).dueAt).toBe(core.clock.now() + minute)
  })

  it('is irrevocable after ten minutes of failures, is still retried, and then revoked (I4)', async () => {
    const { task, lease } = await minted()
    core.upstream.refuse = down
    await core.end(task)
    await core.quiet()
    for (let n = 0; n < 19; n += 1) await core.pass(minute / 2)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    for (let n = 0; n < 3; n += 1) await core.pass(minute / 2)
    const given = await core.lease(lease.id)
    expect(given.status).toBe('irrevocable')
    expect(given.dueAt).not.toBeNull()
    expect((await core.history(lease.id)).filter((type) => type === 'lease.irrevocable')).toHaveLength(1)
    core.upstream.refuse = () => undefined
    await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoked', evidence: { result: 'dead' } })
    expect(core.upstream.working()).toEqual([])
  })

  it('is irrevocable at once when upstream says no, is still retried, and then revoked', async () => {
    const { task, lease } = await minted()
    core.upstream.refuse = no
    await core.end(task)
    await core.quiet()
    expect(await core.lease(lease.id)).toMatchObject({ status: 'irrevocable', attempts: 1 })
    await core.pass(minute)
    expect((await core.lease(lease.id)).attempts).toBeGreaterThan(1)
    core.upstream.refuse = () => undefined
    await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoked')
  })

  it('that cannot be revoked is over once its upstream life is', async () => {
    const { task, lease } = await minted()
    core.upstream.refuse = no
    await core.end(task)
    await core.pass(hour - 1)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'irrevocable')
    const tries = core.upstream.calls.length
    await core.pass(1)
    expect(await core.lease(lease.id)).toMatchObject({
      status: 'expired',
      handle: null,
      dueAt: null,
      evidence: { result: 'expired' },
    })
    await core.pass(hour)
    expect(core.upstream.calls).toHaveLength(tries + 1)
  })

  it('is ended upstream too when only a clock set forward says that its life is over (I4)', async () => {
    const { lease } = await minted()
    core.clock.notBefore(core.clock.now() + 2 * hour)
    await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', handle: null })
    expect(core.upstream.calls).toEqual([[lease.id]])
  })

  it('of the kind that only expires waits for that, without a call and without alarm', async () => {
    core.upstream.revocationIs = 'expiry'
    const { task, lease } = await minted()
    await core.end(task)
    await core.pass(hour - 1)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 0 })
    await core.pass(1)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', evidence: { result: 'expired' } })
    expect(core.upstream.calls).toEqual([])
    expect(await core.history(lease.id)).not.toContain('lease.irrevocable')
  })

  it('of the eventual kind keeps its handle until upstream no longer needs it, and no longer', async () => {
    core.upstream.revocationIs = 'eventual'
    const { task, lease } = await minted()
    core.upstream.refuse = down
    await core.end(task)
    await core.quiet()
    core.upstream.refuse = () => undefined
    await core.pass(minute)
    const revoked = await core.lease(lease.id)
    expect(revoked).toMatchObject({ status: 'revoked', secretHash: null, dueAt: revoked.upstreamExpiresAt })
    expect(revoked.handle).not.toBeNull()
    await core.pass(hour - 2 * minute)
    expect((await core.lease(lease.id)).handle).not.toBeNull()
    await core.pass(2 * minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoked', handle: null, dueAt: null })
  })

  it('whose handle does not open is irrevocable, and upstream is not asked with another’s', async () => {
    const [mine, other] = [await minted(), await minted()]
    const { handle } = await core.lease(other.lease.id)
    await core.store.beside(`update leases set handle = '${handle}' where id = '${mine.lease.id}'`)
    await core.end(mine.task)
    await core.quiet()
    expect(await core.lease(mine.lease.id)).toHaveProperty('status', 'irrevocable')
    expect(core.upstream.calls).toEqual([])
    expect(core.errors).toContain('a sealed handle does not open')
    expect(await core.lease(other.lease.id)).toHaveProperty('status', 'active')
  })

  it('whose connection is gone is kept, tried again and alarmed about', async () => {
    const { task, lease } = await minted()
    await core.store.beside(`update leases set connection = 'removed' where id = '${lease.id}'`)
    await core.end(task)
    await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    for (let n = 0; n < 11; n += 1) await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'irrevocable')
  })

  it('whose row is damaged is complained about and left, and keeps nobody else waiting', async () => {
    const [damaged, whole] = [await minted(), await minted()]
    await core.store.beside(`update leases set detail = '{' where id = '${damaged.lease.id}'`)
    await core.end(whole.task)
    await core.store.beside(`update leases set due_at = ${core.clock.now()} where id = '${damaged.lease.id}'`)
    await core.quiet()
    expect(await core.lease(whole.lease.id)).toHaveProperty('status', 'revoked')
    expect(core.errors).toEqual([expect.stringContaining('damaged')])
    expect((await core.lease(damaged.lease.id)).dueAt).toBe(core.clock.now() + 10 * minute)
  })

  it('whose connection leads elsewhere now is not called dead there, and ends when it leads back', async () => {
    const { task, lease } = await minted()
    const back = core.upstream.upstream
    Object.assign(core.upstream, { upstream: 'fake:elsewhere' })
    await core.end(task)
    await core.pass(minute)
    expect(core.upstream.calls).toEqual([])
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    Object.assign(core.upstream, { upstream: back })
    await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoked')
  })

  it('that still works after it was revoked says so', async () => {
    const { task, lease } = await minted()
    core.upstream.probe = async () => ({ result: 'live', method: 'it answered 200', at: core.clock.now() })
    await core.end(task)
    await core.quiet()
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoked', evidence: { result: 'live' } })
    expect(core.errors).toEqual(['a revoked credential still works'])
  })
})

describe('while the store takes no record', () => {
  it('a revocation is sent, and its record follows (I6)', async () => {
    const { task, lease } = await minted()
    await core.end(task)
    const admit = refuseWrites(core.store, 'insert on audit_events')
    await core.revoker.revoke(await core.lease(lease.id))
    expect(core.upstream.working()).toEqual([])
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    admit()
    await core.pass(1000)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoked')
  })
})

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
    const dead = await Promise.all(Array.from({ length: 40 }, () => minted()))
    const alive = await minted(second)
    core.upstream.during = () => new Promise<never>(() => undefined)
    for (const { task } of dead) await core.end(task)
    await core.end(alive.task)
    void Promise.all(dead.map(async ({ lease }) => core.revoker.revoke(await core.lease(lease.id))))
    await core.revoker.revoke(await core.lease(alive.lease.id))
    expect(await core.lease(alive.lease.id)).toHaveProperty('status', 'revoked')
    expect(core.upstream.calls.length).toBeLessThanOrEqual(32)
  })

  it('that wait for an upstream are revoked at once when it answers again after a silence', async () => {
    const [first, other] = [await minted(), await minted()]
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
    const [busy, refused] = [await minted(), await minted()]
    core.upstream.refuse = (id) => (id === refused.lease.id ? no() : down())
    await core.end(busy.task)
    await core.end(refused.task)
    for (let n = 0; n < 60; n += 1) await core.pass(1000)
    // By itself each would make about twelve attempts in the first minute.
    expect(core.upstream.calls.length).toBeLessThanOrEqual(30)
  })
})
