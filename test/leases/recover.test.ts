import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import { hour, verified } from '../support/store.ts'
import { until } from '../support/until.ts'
import { type Core, startCore } from '../support/lease-core.ts'

const minute = 60_000
/** When an intent counts as unknown: the mint's limit of 20 s and a margin of 10 s. */
const unknownAfter = 30_000

let core: Core
beforeEach(async () => {
  core = await startCore()
})
afterEach(async () => {
  expect((await verified(core.store)).discrepancies).toEqual([])
  await core[Symbol.asyncDispose]()
})

/** A mint that goes so, and how it ends for its caller. */
function minting(task: Awaited<ReturnType<Core['open']>>) {
  return core.mint(task).then(
    () => 'delivered',
    (error: unknown) => (isBrokerError(error) ? error.code : String(error)),
  )
}

describe('a lease whose mint had no answer', () => {
  it('is found upstream and revoked', async () => {
    core.upstream.fates.push('lost')
    const task = await core.open()
    expect(await minting(task)).toBe('provider_unavailable')
    await core.quiet()
    expect(await core.leaseOf(task)).toMatchObject({ status: 'revoked', handle: null, dueAt: null })
    expect(core.upstream.working()).toEqual([])
  })

  it('stays visible until it must be dead, where upstream cannot tell', async () => {
    core.upstream.fates.push('lost')
    core.upstream.recovery = 'cannot tell'
    const task = await core.open()
    await minting(task)
    await core.quiet()
    const { id, liveUntil, status } = await core.leaseOf(task)
    expect({ status, liveUntil }).toEqual({ status: 'revoking', liveUntil: core.clock.now() + hour + minute })
    await core.pass(hour + minute - 1)
    expect(await core.lease(id)).toHaveProperty('status', 'revoking')
    await core.pass(1)
    expect(await core.lease(id)).toMatchObject({ status: 'expired', evidence: { result: 'expired' } })
  })

  it('is asked about again while upstream fails, and irrevocable after ten minutes', async () => {
    core.upstream.fates.push('lost')
    core.upstream.recovery = new ProviderError('unavailable', 'upstream is down')
    const task = await core.open({ expiresAt: core.clock.now() + hour })
    await minting(task)
    await core.quiet()
    expect(await core.leaseOf(task)).toMatchObject({ status: 'revoking', attempts: 1 })
    for (let n = 0; n < 11; n += 1) await core.pass(minute)
    const { id, status } = await core.leaseOf(task)
    expect(status).toBe('irrevocable')
    expect(core.upstream.working()).toEqual([id])
    core.upstream.recovery = 'finds'
    await core.pass(minute)
    expect(await core.lease(id)).toHaveProperty('status', 'revoked')
    expect(core.upstream.working()).toEqual([])
  })
})

describe('an intent that the last process left', () => {
  it('is looked for at the start, and over when nothing of it works', async () => {
    core.upstream.fates.push('held')
    const task = await core.open()
    void minting(task)
    await core.intended(task)
    await core.reaper.stop()
    await core.reaper.start()
    await core.quiet()
    expect(await core.leaseOf(task)).toMatchObject({ status: 'failed', dueAt: null })
  })

  it('is on its way out, and visibly so, while it cannot be looked for', async () => {
    core.upstream.fates.push('held')
    core.upstream.recovery = new ProviderError('unavailable', 'upstream is down')
    const task = await core.open()
    void minting(task)
    await core.intended(task)
    await core.pass(unknownAfter)
    const { id, status } = await core.leaseOf(task)
    expect(status).toBe('revoking')
    expect(await core.history(id)).toEqual(['lease.intended', 'lease.retired'])
  })

  it('whose task ends while it is looked for is over all the same', async () => {
    for (const recovery of ['finds', 'cannot tell'] as const) {
      const gate = Promise.withResolvers<void>()
      core.upstream.fates.push('held')
      core.upstream.recovery = recovery
      core.upstream.recovering = () => gate.promise
      const task = await core.open()
      void minting(task)
      await core.intended(task)
      await core.clock.advance(unknownAfter)
      await until(async () => core.revoker.isUnderWay((await core.leaseOf(task)).id))
      await core.end(task)
      gate.resolve()
      await core.quiet()
      const { status, liveUntil } = await core.leaseOf(task)
      expect(status).toBe(recovery === 'finds' ? 'revoked' : 'revoking')
      expect(liveUntil !== null).toBe(recovery === 'cannot tell')
    }
  })
})

describe('a mint that answers after its lease was given up', () => {
  it('is revoked, not delivered, where recovery had found nothing', async () => {
    core.upstream.fates.push('held')
    const task = await core.open()
    const outcome = minting(task)
    await core.intended(task)
    await core.pass(unknownAfter)
    expect(await core.leaseOf(task)).toHaveProperty('status', 'failed')
    core.upstream.release()
    expect(await outcome).toBe('provider_unavailable')
    await core.quiet()
    expect(core.upstream.working()).toEqual([])
    expect(await core.leaseOf(task)).toMatchObject({ status: 'failed', handle: null })
  })

  it('is revoked at once, not at the end of the life it was given, where recovery could not tell', async () => {
    core.upstream.recovery = 'cannot tell'
    core.upstream.fates.push('held')
    const task = await core.open()
    const outcome = minting(task)
    await core.intended(task)
    await core.pass(unknownAfter)
    core.upstream.release()
    expect(await outcome).toBe('task_not_active')
    await core.quiet()
    expect(core.upstream.working()).toEqual([])
    expect(await core.leaseOf(task)).toHaveProperty('status', 'revoked')
  })

  it('while it is looked for is revoked when its task ends, not when it must be dead', async () => {
    const gate = Promise.withResolvers<void>()
    core.upstream.recovery = 'cannot tell'
    core.upstream.recovering = () => gate.promise
    core.upstream.fates.push('held')
    const task = await core.open()
    const outcome = minting(task)
    await core.intended(task)
    await core.clock.advance(unknownAfter)
    await until(async () => core.revoker.isUnderWay((await core.leaseOf(task)).id))
    core.upstream.release()
    expect(await outcome).toBe('delivered')
    gate.resolve()
    await core.quiet()
    expect(await core.leaseOf(task)).toMatchObject({ status: 'active', liveUntil: null })
    await core.end(task)
    await core.quiet()
    expect(core.upstream.working()).toEqual([])
  })
})
