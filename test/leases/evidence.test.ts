/** A lease is over when the end of its credential was seen, and not when upstream said so. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Evidence } from '../../src/provider/upstream.ts'
import { no } from '../support/fake-upstream.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { events, hour, verified } from '../support/store.ts'

const minute = 60_000

let core: Core
beforeEach(async () => {
  core = await startCore()
})
afterEach(async () => {
  expect((await verified(core.store)).discrepancies).toEqual([])
  await core[Symbol.asyncDispose]()
})

/** From now on this is what trying a credential shows. */
function shows(result: Evidence['result']): void {
  core.upstream.probe = async () => ({ result, method: `shows ${result}`, at: core.clock.now() })
}

/** What is on record of looking at the lease. */
async function found(id: string): Promise<unknown[]> {
  const about = (await events(core.store)).filter((event) => event.lease === id)
  return about.filter(({ type }) => type === 'lease.evidence').map(({ data }) => data?.['result'])
}

async function ended() {
  const { task, lease } = await core.minted()
  await core.end(task)
  await core.quiet()
  return lease.id
}

describe.each(['live', 'unknown'] as const)('a credential of which a look shows %s', (result) => {
  it('is not over: its lease keeps the handle, and is revoked and tried again', async () => {
    shows(result)
    const id = await ended()
    const lease = await core.lease(id)
    expect(lease).toMatchObject({ status: 'revoking', attempts: 1, endedAt: null, evidence: { result } })
    expect(lease.handle).not.toBeNull()
    expect(lease.secretHash).not.toBeNull()
    await core.pass(lease.dueAt! - core.clock.now())
    expect(core.upstream.calls).toEqual([[id], [id]])
    shows('dead')
    await core.pass(minute)
    expect(await core.lease(id)).toMatchObject({
      status: 'revoked',
      handle: null,
      evidence: { result: 'dead' },
    })
    // Once for each thing that was found, however often it was.
    expect(await found(id)).toEqual([result, 'dead'])
  })

  it('is irrevocable after ten minutes, and goes on being tried (I4)', async () => {
    shows(result)
    const id = await ended()
    for (let n = 0; n < 22; n += 1) await core.pass(minute / 2)
    expect(await core.lease(id)).toMatchObject({ status: 'irrevocable', evidence: { result } })
    const calls = core.upstream.calls.length
    await core.pass(minute)
    expect(core.upstream.calls.length).toBeGreaterThan(calls)
  })
})

it('is told of as an error when it lives, and only then', async () => {
  shows('unknown')
  const id = await ended()
  expect(core.errors).toEqual([])
  shows('live')
  await core.pass((await core.lease(id)).dueAt! - core.clock.now())
  expect(core.errors).toEqual(['a revoked credential still works'])
})

describe('what stands for it being gone', () => {
  it('is an end, where the credential itself cannot be tried', async () => {
    shows('gone')
    expect(await core.lease(await ended())).toMatchObject({ status: 'revoked', evidence: { result: 'gone' } })
  })
})

describe('a deny', () => {
  it('is no end of what one call is to end', async () => {
    shows('denied')
    expect(await core.lease(await ended())).toHaveProperty('status', 'revoking')
  })

  it('is the end of an eventual lease', async () => {
    core.upstream.revocationIs = 'eventual'
    shows('denied')
    expect(await core.lease(await ended())).toMatchObject({
      status: 'revoked',
      evidence: { result: 'denied' },
    })
  })

  it('that a look does not show is no end', async () => {
    core.upstream.revocationIs = 'eventual'
    shows('live')
    expect(await core.lease(await ended())).toMatchObject({
      status: 'revoking',
      evidence: { result: 'live' },
    })
  })

  it('that cannot be looked at is asked for again each minute, until it is seen or moot', async () => {
    core.upstream.revocationIs = 'eventual'
    shows('unknown')
    const id = await ended()
    const before = await core.lease(id)
    expect(before).toMatchObject({ status: 'revoked', evidence: { result: 'unknown' } })
    expect(before.dueAt).toBe(core.clock.now() + minute)
    await core.pass(minute)
    expect((await core.lease(id)).dueAt).toBe(core.clock.now() + minute)
    shows('denied')
    await core.pass(minute)
    const { upstreamExpiresAt } = before
    const seen = { evidence: { result: 'denied' }, dueAt: upstreamExpiresAt }
    expect(await core.lease(id)).toMatchObject(seen)
    expect(await found(id)).toEqual(['unknown', 'denied'])
    await core.pass(upstreamExpiresAt! - core.clock.now())
    expect(await core.lease(id)).toMatchObject({ status: 'revoked', handle: null, dueAt: null })
  })
})

describe("a credential whose upstream life is over by the broker's clock", () => {
  it('and that works is not over: the clock is ahead, or upstream keeps another end than it named', async () => {
    const { lease } = await core.minted()
    core.upstream.refuse = no
    shows('live')
    await core.pass(hour)
    const late = await core.lease(lease.id)
    expect(late).toMatchObject({ status: 'revoking', evidence: { result: 'live' } })
    expect(late.dueAt).toBeGreaterThan(core.clock.now())
    core.upstream.refuse = () => undefined
    shows('dead')
    await core.pass(minute)
    expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', handle: null })
  })

  it('and of which upstream says nothing is over, and the evidence tells by whom that is said', async () => {
    const { lease } = await core.minted()
    shows('unknown')
    await core.pass(hour)
    expect(await core.lease(lease.id)).toMatchObject({
      status: 'expired',
      evidence: { result: 'expired', method: 'its upstream expiry has passed; shows unknown' },
    })
  })
})
