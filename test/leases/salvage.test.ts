import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ProviderError } from '../../src/provider/failure.ts'
import { verified } from '../support/store.ts'
import { refuseWrites } from '../support/database.ts'
import { until } from '../support/until.ts'
import { type Core, startCore } from '../support/lease-core.ts'

let core: Core
beforeEach(async () => {
  core = await startCore()
})
afterEach(async () => {
  expect((await verified(core.store)).discrepancies).toEqual([])
  await core[Symbol.asyncDispose]()
})

/** Refuses records of what becomes of a mint. To be called once its intent is on record: then there would be none. */
function refuseRecords(): () => void {
  return refuseWrites(core.store, 'update on leases')
}

describe('a credential whose mint cannot be recorded', () => {
  it('is revoked out of memory, never delivered, and the record follows (I2, I6)', async () => {
    const task = await core.open()
    core.upstream.fates.push('held')
    const minting = core.mint(task)
    const refused = expect(minting).rejects.toHaveProperty('code', 'unavailable')
    await core.intended(task)
    const admit = refuseRecords()
    core.upstream.release()
    await refused
    await until(() => core.upstream.working().length === 0)
    expect(await core.leaseOf(task)).toMatchObject({ status: 'pending', handle: null })
    admit()
    await core.pass(30_000)
    expect(await core.leaseOf(task)).toMatchObject({ status: 'failed', dueAt: null })
    expect(core.upstream.calls).toHaveLength(1)
  })

  it('is revoked as soon as upstream takes it', async () => {
    const task = await core.open()
    let tries = 0
    core.upstream.refuse = () =>
      ++tries < 3 ? new ProviderError('unavailable', 'upstream is down') : undefined
    core.upstream.fates.push('held')
    const refused = expect(core.mint(task)).rejects.toHaveProperty('code', 'unavailable')
    await core.intended(task)
    const admit = refuseRecords()
    core.upstream.release()
    await refused
    expect(core.upstream.working()).toHaveLength(1)
    for (let n = 0; n < 4; n += 1) await core.clock.advance(500)
    await until(() => core.upstream.working().length === 0)
    admit()
    await core.pass(30_000)
    expect(await core.leaseOf(task)).toHaveProperty('status', 'failed')
  })

  it('is revoked also while recovery looks for it in vain', async () => {
    const gate = Promise.withResolvers<void>()
    core.upstream.recovering = () => gate.promise
    core.upstream.fates.push('held')
    const task = await core.open()
    const refused = expect(core.mint(task)).rejects.toHaveProperty('code', 'unavailable')
    await core.intended(task)
    await core.clock.advance(30_000)
    await until(async () => core.revoker.isUnderWay((await core.leaseOf(task)).id))
    const admit = refuseRecords()
    core.upstream.release()
    await refused
    expect(core.upstream.working()).toHaveLength(1)
    gate.resolve()
    await until(() => core.upstream.working().length === 0)
    admit()
    await core.pass(30_000)
    expect(await core.leaseOf(task)).toHaveProperty('status', 'failed')
  })
})

describe('a credential that comes too late', () => {
  it('for its task is revoked, though nobody has ended the task yet (I3)', async () => {
    const task = await core.open({ expiresAt: core.clock.now() + 10_000 })
    core.upstream.fates.push('held')
    const refused = expect(core.mint(task)).rejects.toHaveProperty('code', 'task_not_active')
    await core.intended(task)
    await core.reaper.stop()
    await core.clock.advance(10_000)
    expect(await core.task(task.id)).toHaveProperty('status', 'active')
    core.upstream.release()
    await refused
    expect(core.upstream.working()).toEqual([])
  })

  it('for its client is taken back', async () => {
    const client = new AbortController()
    core.upstream.fates.push('held')
    const task = await core.open()
    const refused = expect(core.mint(task, { gone: client.signal })).rejects.toHaveProperty(
      'code',
      'unavailable',
    )
    await core.intended(task)
    client.abort()
    core.upstream.release()
    await refused
    expect(core.upstream.working()).toEqual([])
    expect(await core.leaseOf(task)).toHaveProperty('status', 'revoked')
  })

  it('that is wider than asked is revoked (I8)', async () => {
    core.upstream.fates.push('wider')
    const task = await core.open()
    await expect(core.mint(task)).rejects.toMatchObject({
      code: 'provider_rejected',
      message: /more than was asked/,
    })
    expect(core.upstream.working()).toEqual([])
  })
})
