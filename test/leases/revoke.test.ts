import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ProviderError } from '../../src/provider/failure.ts'
import { refuseWrites } from '../support/database.ts'
import { down, no } from '../support/fake-upstream.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { hour } from '../support/store.ts'

const minute = 60_000

let core: Core
beforeEach(async () => {
  core = await startCore()
})
afterEach(() => core[Symbol.asyncDispose]())

describe('a lease on its way out', () => {
  it('is revoked, forgotten and probed, each with its event', async () => {
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
    core.upstream.refuse = () => new ProviderError('unavailable', 'too many requests', { retryAfter: 20 })
    await core.end(task)
    await core.quiet()
    expect((await core.lease(lease.id)).dueAt).toBe(core.clock.now() + 20_000)
    core.upstream.refuse = () => new ProviderError('unavailable', 'too many requests', { retryAfter: 3600 })
    await core.pass(20_000)
    expect((await core.lease(lease.id)).dueAt).toBe(core.clock.now() + minute)
  })

  it('is irrevocable after ten minutes of failures, is still retried, and then revoked (I4)', async () => {
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
    const { lease } = await core.minted()
    core.clock.notBefore(core.clock.now() + 2 * hour)
    await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', handle: null })
    expect(core.upstream.calls).toEqual([[lease.id]])
  })

  /** Upstream takes no calls, as where the clock is ahead and it refuses the broker itself: it can be neither told nor asked. */
  function unheard() {
    const { upstream, clock } = core
    const { refuse, probe } = upstream
    upstream.refuse = down
    upstream.probe = async () => ({ result: 'unknown', method: 'it was not asked', at: clock.now() })
    return () => Object.assign(upstream, { refuse, probe })
  }

  it('is not over by a clock set forward while upstream can be neither told nor asked (I4)', async () => {
    const { lease } = await core.minted()
    const heard = unheard()
    core.clock.notBefore(core.clock.now() + 2 * hour)
    await core.quiet()
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoking', attempts: 1 })
    // Each try is followed by a pause.
    for (let n = 0; n < 11; n += 1) await core.pass(5 * minute)
    const tried = core.upstream.calls.length
    expect(tried).toBe(12)
    const given = await core.lease(lease.id)
    expect(given).toMatchObject({ status: 'irrevocable', evidence: { result: 'unknown' } })
    expect(given.handle).not.toBeNull()
    heard()
    await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', handle: null })
    expect(core.upstream.calls).toHaveLength(tried + 1)
  })

  it('that upstream can never be told of is over when it has had its life once more, from its end on', async () => {
    const { task, lease } = await core.minted()
    unheard()
    await core.end(task)
    for (let n = 0; n < 119; n += 1) await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'irrevocable')
    for (let n = 0; n < 2; n += 1) await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', handle: null, dueAt: null })
  })

  it('of the kind that only expires waits for that, without a call and without alarm', async () => {
    core.upstream.revocationIs = 'expiry'
    const { task, lease } = await core.minted()
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
    const { task, lease } = await core.minted()
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
})

describe('while the store takes no record', () => {
  it('a revocation is sent, and its record follows (I6)', async () => {
    const { task, lease } = await core.minted()
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
