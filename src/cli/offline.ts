/** What commands that work in a broker's place have in common. */
import { userInfo } from 'node:os'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { loadRevocation } from '../config/revocation.ts'
import type { Log } from '../base/log.ts'
import { Services } from '../provider/services.ts'
import { faultLines, FaultyConfiguration } from './failure.ts'
import { requireStore } from './require-store.ts'

/** The settings of `file` that revoking needs, and what stands in the way of some of it, as it becomes known. */
export async function prepareOffline(file: string) {
  const services = new Services()
  const clock = systemClock()
  const { settings, faults } = await loadRevocation(file, { providers, clock, env: process.env, services })
  if (!settings) throw new FaultyConfiguration(faults)
  requireStore(settings)
  const obstacles = new Set(
    faults
      .filter(({ warning }) => !warning)
      .map((found) =>
        faultLines(found)
          .map((line) => line.trim())
          .join('. '),
      ),
  )
  const note = (facts: object, message: string) => {
    const { connection, reason } = facts as { connection?: string; reason?: string }
    obstacles.add([connection, reason ?? message].filter((part) => part !== undefined).join(': '))
  }
  const log: Log = { info: () => undefined, warn: note, error: note }
  return { settings, obstacles, given: { providers, services, clock, log } }
}

/** As whom the record will name whoever runs the command. A container's user may have no name. */
export function offlineActor(): `admin:offline:${string}` {
  try {
    return `admin:offline:${userInfo().username}`
  } catch {
    return `admin:offline:uid ${process.getuid?.() ?? 'unknown'}`
  }
}
