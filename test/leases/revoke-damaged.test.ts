import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Core, startCore } from '../support/lease-core.ts'

const minute = 60_000

let core: Core
beforeEach(async () => {
  core = await startCore()
})
afterEach(() => core[Symbol.asyncDispose]())

describe('a lease on its way out', () => {
  it('whose handle does not open is irrevocable, and upstream is not asked with another’s', async () => {
    const [mine, other] = [await core.minted(), await core.minted()]
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
    const { task, lease } = await core.minted()
    await core.store.beside(`update leases set connection = 'removed' where id = '${lease.id}'`)
    await core.end(task)
    await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    for (let n = 0; n < 11; n += 1) await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'irrevocable')
  })

  it('whose row is damaged is complained about and left, and keeps nobody else waiting', async () => {
    const [damaged, whole] = [await core.minted(), await core.minted()]
    await core.store.beside(`update leases set detail = '{' where id = '${damaged.lease.id}'`)
    await core.end(whole.task)
    await core.store.beside(`update leases set due_at = ${core.clock.now()} where id = '${damaged.lease.id}'`)
    await core.quiet()
    expect(await core.lease(whole.lease.id)).toHaveProperty('status', 'revoked')
    expect(core.errors).toEqual([expect.stringContaining('damaged')])
    expect((await core.lease(damaged.lease.id)).dueAt).toBe(core.clock.now() + 10 * minute)
  })

  it('whose connection leads elsewhere now is not called dead there, and ends when it leads back', async () => {
    const { task, lease } = await core.minted()
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
})
