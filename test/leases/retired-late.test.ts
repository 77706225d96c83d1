/** A lease with an end of its own is retired while its task goes on. */
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { startCore } from '../support/lease-core.ts'
import { hour } from '../support/store.ts'

test('a broker that stops waits until what it retires is on record', async () => {
  await using core = await startCore()
  core.upstream.standsLonger = hour
  const task = await core.open({ expiresAt: core.clock.now() + 2 * hour })
  const { lease } = await core.mint(task)
  using beside = new DatabaseSync(core.store.path)
  beside.exec('begin immediate')
  await core.clock.advance(hour)
  let stopped = false
  const stopping = core.reaper.stop().then(() => (stopped = true))
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(stopped).toBe(false)
  beside.exec('rollback')
  await stopping
  expect(await core.history(lease.id)).toContain('lease.retired')
})
