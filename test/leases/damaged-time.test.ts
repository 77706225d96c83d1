/** A deadline in the database that is no time. */
import { expect, test, vi } from 'vitest'
import { besideFile } from '../support/sqlite.ts'
import { startCore } from '../support/lease-core.ts'

test('does not keep the reaper awake', async () => {
  await using core = await startCore()
  const task = await core.open()
  besideFile(core.store.path, `update tasks set expires_at = 'garbage' where id = '${task.id}'`)
  await core.quiet()
  const after = vi.spyOn(core.clock, 'after')
  core.reaper.wake(core.clock.now())
  await core.quiet()
  expect(after).toHaveBeenCalled()
  expect(after.mock.calls.filter(([ms]) => Number.isNaN(ms))).toEqual([])
})
