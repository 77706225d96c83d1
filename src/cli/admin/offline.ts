/** `admin revoke --offline`. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { providers } from '../../../providers/catalog.ts'
import { systemClock } from '../../clock.ts'
import { loadRevocation, type RevocationSettings } from '../../config/revocation.ts'
import type { Selector } from '../../control/revocations.ts'
import { revocationView } from '../../http/views.ts'
import { revokeOffline } from '../../offline.ts'
import { Services } from '../../services.ts'
import { StoreInUse } from '../../store/sqlite.ts'
import type { Revocation } from '../../client/client.ts'
import { Failure, faultLines, FaultyConfiguration } from '../failure.ts'

/** What was revoked, and what stood in the way of the rest. */
export async function revokeWithoutBroker(
  file: string,
  order: { selector: Selector; reason: string; patienceMs: number },
): Promise<{ outcome: Revocation; obstacles: string[] }> {
  const services = new Services()
  const clock = systemClock()
  const { settings, faults } = loadRevocation(file, { providers, clock, env: process.env, services })
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
  const log = { info: () => undefined, warn: note, error: note }
  const { selector, reason, patienceMs } = order
  const report = await revokeOffline(
    settings,
    { selector, reason, actor: `admin:offline:${user()}` },
    { providers, services, clock, log, patienceMs },
  ).catch((error: unknown) => {
    if (!(error instanceof StoreInUse)) throw error
    throw new Failure(
      'failed',
      error.message,
      'Use `mayfly admin revoke` without --offline, or stop that broker first.',
    )
  })
  return { outcome: revocationView(report), obstacles: [...obstacles] }
}

/** A store made here and now would have nothing to revoke, and that would look like success. */
function requireStore({ file, store }: RevocationSettings): void {
  if (store.kind === 'sqlite' && !existsSync(store.path))
    throw new Failure(
      'failed',
      `there is no store at ${store.path}`,
      `Name in ${file} the store that the broker used.`,
    )
}

/** Whom the record will name. A container's user may have no name. */
function user(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
