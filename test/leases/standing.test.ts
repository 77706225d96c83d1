/** What upstream must go on refusing beyond a credential's own end, and what it refuses unasked. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { upstream, type FakeUpstream } from '../support/fake-upstream.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { events, hour, verified } from '../support/store.ts'

const minute = 60_000

let core: Core
let other: FakeUpstream
beforeEach(async () => {
  core = await startCore((clock) => [(other = upstream(clock, { name: 'two' }))])
  for (const each of [core.upstream, other]) each.revocationIs = 'eventual'
})
afterEach(async () => {
  expect((await verified(core.store)).discrepancies).toEqual([])
  await core[Symbol.asyncDispose]()
})

it('a lease whose credential has expired is ended all the same while something of it stands', async () => {
  core.upstream.standsLonger = 11 * hour
  const task = await core.open({ expiresAt: core.clock.now() + 2 * hour })
  const { lease } = await core.mint(task)
  expect(lease.standsUntil).toBe(lease.upstreamExpiresAt! + 11 * hour)
  await core.pass(hour)
  const ended = await core.lease(lease.id)
  expect(ended).toMatchObject({ status: 'revoked', evidence: { result: 'dead' }, dueAt: lease.standsUntil })
  expect(await core.history(lease.id)).not.toContain('lease.expired')
  expect(core.errors).toEqual([])
})

it('its handle is kept as long as it stands, and no longer', async () => {
  core.upstream.standsLonger = 11 * hour
  const { task, lease } = await core.minted()
  await core.end(task)
  await core.quiet()
  await core.pass(12 * hour - minute)
  expect((await core.lease(lease.id)).handle).not.toBeNull()
  const next = await core.minted()
  await core.end(next.task)
  await core.quiet()
  expect(core.upstream.standing).toEqual([lease.id, next.lease.id])
  await core.pass(minute)
  expect(await core.lease(lease.id)).toMatchObject({ status: 'revoked', handle: null, dueAt: null })
})

it('one that still works then is given up only when nothing of it can act any more', async () => {
  core.upstream.standsLonger = hour
  const { task, lease } = await core.minted()
  core.upstream.probe = async () => ({ result: 'live', method: 'it works', at: core.clock.now() })
  await core.end(task)
  await core.quiet()
  await core.pass(hour)
  expect(await core.lease(lease.id)).toMatchObject({ status: 'irrevocable' })
  await core.pass(hour)
  await core.pass(minute)
  expect(await core.lease(lease.id)).toMatchObject({ status: 'expired', evidence: { result: 'expired' } })
})

it('all connections of a provider keep up together what stands', async () => {
  const first = await core.minted()
  await core.end(first.task)
  await core.quiet()
  const second = await core.minted(other)
  await core.end(second.task)
  await core.quiet()
  expect(other.standing).toEqual([first.lease.id, second.lease.id])
})

it('what upstream refuses unasked is ended, and says why, whatever connection minted it', async () => {
  const hit = await core.minted(other)
  const spared = await core.minted(other)
  const { task } = await core.minted()
  core.upstream.refusesToo = [hit.lease.id]
  await core.end(task)
  await core.quiet()
  await core.quiet()
  expect(await core.lease(hit.lease.id)).toMatchObject({ status: 'revoked', evidence: { result: 'dead' } })
  const about = (await events(core.store)).filter((event) => event.lease === hit.lease.id)
  expect(about.map(({ type, data }) => [type, data?.['reason']])).toContainEqual([
    'lease.retired',
    'it refuses these as well',
  ])
  expect(await core.lease(spared.lease.id)).toMatchObject({ status: 'active' })
  expect(core.errors).toEqual(['upstream refuses more than it was asked to'])
})
