/** How long a credential outlived its deadline is counted from that, however late its end goes on record. */
import { expect, test } from 'vitest'
import { RevocationLag } from '../../src/broker/revocation-lag.ts'
import { down } from '../support/fake-upstream.ts'
import { type Core, startCore } from '../support/lease-core.ts'
import { events, hour } from '../support/store.ts'
import { untilNow } from '../support/until.ts'

async function lags(core: Core): Promise<number[]> {
  const seen: number[] = []
  new RevocationLag((_, seconds) => seen.push(seconds)).committed(await events(core.store))
  return seen
}

test('where the revocation is recorded before the end of the task', async () => {
  await using core = await startCore()
  const task = await core.open({ expiresAt: core.clock.now() + 1_000 })
  await core.mint(task)
  await core.store.beside("create trigger stuck before update on tasks begin select raise(abort, 'no'); end")
  let answer = () => {}
  core.upstream.during = () => new Promise((resolve) => (answer = resolve))
  await core.clock.advance(1_000)
  await untilNow(core.clock, () => core.upstream.calls.length > 0)
  await core.clock.advance(7_000)
  answer()
  await untilNow(core.clock, async () => (await core.leaseOf(task)).status === 'revoked')
  expect(await lags(core)).toEqual([7])
})

test('where the broker was not there at the deadline, for all that hung on the task', async () => {
  await using core = await startCore()
  const expiresAt = core.clock.now() + 1_000
  const parent = await core.open({ expiresAt })
  const child = await core.open({ expiresAt, parent: parent.id, root: parent.id, depth: 1 })
  for (const task of [parent, child]) await core.mint(task)
  await core.reaper.stop()
  await core.clock.advance(5_000)
  await core.reaper.start()
  await core.quiet()
  expect(await lags(core)).toEqual([4, 4])
})

test('and from the decision where that came before the deadline', async () => {
  await using core = await startCore()
  const { task } = await core.minted()
  core.upstream.refuse = down
  await core.end(task)
  await core.quiet()
  core.upstream.refuse = () => undefined
  await core.pass(hour / 2)
  expect(await lags(core)).toEqual([1800])
})
