/** Thousands of tasks end in one second. */
import { expect, test } from 'vitest'
import { startCore } from '../support/lease-core.ts'

test('the credentials of the first are revoked while the last are still being ended', async () => {
  await using core = await startCore()
  const { unit, tasks } = core.context
  const deadline = core.clock.now() + 1_000
  await Promise.all(
    Array.from({ length: 500 }, async () => await core.mint(await core.open({ expiresAt: deadline }))),
  )
  let waiting: Promise<number> | undefined
  core.upstream.during = async () => {
    waiting ??= unit.read(async (tx) => (await tasks.due(tx, deadline, 1_000)).length)
  }
  await core.pass(1_000)
  await core.quiet()
  expect(await waiting).toBeGreaterThan(0)
  expect(core.upstream.working()).toEqual([])
  expect(core.upstream.calls).toHaveLength(500)
})
