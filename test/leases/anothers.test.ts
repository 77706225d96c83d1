/** Upstream, or something in front of it, answers one mint with what another was answered. */
import { expect, test } from 'vitest'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { startCore } from '../support/lease-core.ts'
import { verified } from '../support/store.ts'

test('two leases never share a credential, and ending the one leaves the other alone', async () => {
  await using core = await startCore()
  core.upstream.recovery = 'cannot tell'
  const first = await core.minted()
  const { mint } = core.upstream
  // What is minted for the second is lost: its answer is the first's.
  core.upstream.mint = async (detail, intent, options) => ({
    ...(await mint(detail, intent, options)),
    accessToken: `token of ${first.lease.id}`,
    handle: { credential: first.lease.id },
  })
  const second = await core.open()
  await expect(core.mint(second)).rejects.toMatchObject({
    code: 'provider_unavailable',
    message: 'upstream answered with the credential of another lease',
  })
  await core.quiet()
  const lost = await core.leaseOf(second)
  expect(lost).toMatchObject({ status: 'revoking', handle: null, fingerprint: null })
  expect(lost.liveUntil).toBeGreaterThan(core.clock.now())
  await core.end(second)
  await core.quiet()
  expect(await core.lease(first.lease.id)).toHaveProperty('status', 'active')
  expect(core.upstream.working()).toContain(first.lease.id)
  expect(unfinishedStatuses).toContain((await core.leaseOf(second)).status)
  expect((await verified(core.store)).discrepancies).toEqual([])
})
