/** Ends and looks share what an upstream takes at once (docs/decisions/0038). */
import { expect, test } from 'vitest'
import { startCore } from '../support/lease-core.ts'
import { until } from '../support/until.ts'

const answered = 40
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('with looks that wait, an upstream is still sent as much as it takes', async () => {
  await using core = await startCore()
  const leases = await Promise.all(Array.from({ length: 130 }, async () => (await core.minted()).lease))
  let [looks, ends] = [0, 0]
  const answer = Promise.withResolvers<void>()
  const { probe } = core.upstream
  core.upstream.probe = async (...call) => {
    looks += 1
    await answer.promise
    return await probe(...call)
  }
  // Some are answered, and then looked at; nothing is answered after that.
  core.upstream.during = () => (++ends > answered ? answer.promise : turn())
  for (const { id } of leases) void core.revoker.revoke(await core.lease(id))
  await until(async () => ends - answered + looks === core.revoker.queues()[0]!.limit)
  expect(looks).toBeGreaterThan(0)
  answer.resolve()
  await core.revoker.idle()
})
