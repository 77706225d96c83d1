import { withinLimit, type Clock } from '../../base/clock.ts'
import type { Target } from '../../notify/target.ts'
import { type Check, lookWithinMs } from './check.ts'

/** Whether each receiver of notices can be reached. None is sent one, so whether it would take it is not known. */
export async function checkTargets(targets: readonly Target[], clock: Clock): Promise<Check[]> {
  return await Promise.all(
    targets.map(async (target): Promise<Check> => {
      const check = `notify ${target.name}`
      const reached = await withinLimit(clock, lookWithinMs, (signal) => target.reach(signal))
      if (reached.done) return { check, status: 'ok', message: 'its receiver can be reached' }
      return {
        check,
        status: 'fault',
        message: `its receiver cannot be reached: ${reached.reason}`,
        remedy: 'Check its `url` and `ca`, and that the way there is open from this machine.',
      }
    }),
  )
}
