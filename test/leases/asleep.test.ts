/** The reaper sleeps until something is due: nobody asks the store over and over whether it is. */
import { expect, test, vi } from 'vitest'
import { startCore } from '../support/lease-core.ts'

const minute = 60_000

test('nothing is read before the next deadline, and the task ends at it', async () => {
  await using core = await startCore()
  const { task } = await core.minted()
  await core.quiet()
  const read = vi.spyOn(core.context.unit, 'read')
  const left = task.expiresAt - core.clock.now()
  expect(left).toBeGreaterThanOrEqual(10 * minute)
  await core.clock.advance(left - 1)
  expect(read).not.toHaveBeenCalled()
  read.mockRestore()
  await core.pass(1)
  expect(await core.task(task.id)).toMatchObject({ status: 'expired', endReason: 'deadline' })
})
