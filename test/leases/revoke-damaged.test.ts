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

  it.each([
    ['cannot be read', "detail = '{'"],
    ['says that it is over', "status = 'revoked'"],
    ['says what there is not', "status = 'lost'"],
    ['says that it ends by itself', "revocation = 'expiry'"],
    ['says that its own end has passed', 'upstream_expires_at = 1'],
    ['says that nothing of it stands', 'stands_until = 1'],
    ['says that nothing of it ever stood', 'stands_until = null'],
    [
      'says that it ends by itself, and has',
      "revocation = 'expiry', upstream_expires_at = 1, live_until = 1",
    ],
  ])('whose row %s is complained about and revoked, and keeps nobody else waiting', async (_what, change) => {
    const [damaged, whole] = [await core.minted(), await core.minted()]
    const { id } = damaged.lease
    await core.store.beside(`update leases set ${change}, due_at = ${core.clock.now()} where id = '${id}'`)
    await core.end(whole.task)
    await core.quiet()
    expect(await core.lease(whole.lease.id)).toHaveProperty('status', 'revoked')
    expect(core.upstream.working()).toEqual([])
    expect(core.errors).toEqual([expect.stringContaining('damaged')])
    expect(await core.lease(id)).toMatchObject({ status: 'revoked', dueAt: null, damaged: expect.anything() })
    expect(await core.history(id)).toContain('lease.revoked')
  })

  it('whose row is damaged and has lost its handle is complained about, and left for ten minutes', async () => {
    const { lease } = await core.minted()
    const now = core.clock.now()
    await core.store.beside(`update leases set handle = null, due_at = ${now} where id = '${lease.id}'`)
    core.reaper.wake(now)
    await core.quiet()
    expect(core.errors).toEqual([expect.stringContaining('damaged')])
    expect(await core.lease(lease.id)).toMatchObject({ status: 'revoking', dueAt: now + 10 * minute })
  })

  it('whose connection leads elsewhere now is not called dead there, and ends when it leads back', async () => {
    const { task, lease } = await core.minted()
    const back = core.upstream.leadsTo
    Object.assign(core.upstream, { leadsTo: 'fake:elsewhere' })
    await core.end(task)
    await core.pass(minute)
    expect(core.upstream.calls).toEqual([])
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoking')
    Object.assign(core.upstream, { leadsTo: back })
    await core.pass(minute)
    expect(await core.lease(lease.id)).toHaveProperty('status', 'revoked')
  })
})
