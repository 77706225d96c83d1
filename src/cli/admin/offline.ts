/** `admin revoke --offline`. */
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { providers } from '../../../providers/catalog.ts'
import { systemClock } from '../../clock.ts'
import { loadRevocation, type RevocationSettings } from '../../config/revocation.ts'
import { endOf } from '../../http/fences.ts'
import { revocationView } from '../../http/views.ts'
import { revokeOffline } from '../../offline.ts'
import { Services } from '../../services.ts'
import { StoreInUse } from '../../store/sqlite.ts'
import type { OrderRevocation, Revocation } from '../../client/client.ts'
import { Failure, faultLines, FaultyConfiguration } from '../failure.ts'

/** What was revoked, and what stood in the way of the rest. */
export async function revokeWithoutBroker(
  file: string,
  order: OrderRevocation,
  { patienceMs, command }: { patienceMs: number; command: string },
): Promise<{ outcome: Revocation; obstacles: string[] }> {
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
  const log = { info: () => undefined, warn: note, error: note }
  const until = endOf(order.until, clock)
  const report = await revokeOffline(
    settings,
    { ...order, until, actor: `admin:offline:${user()}` },
    { providers, services, clock, log, patienceMs },
  ).catch((error: unknown) => {
    if (!(error instanceof StoreInUse)) throw error
    const remedy = `Use \`mayfly admin ${command}\` without --offline, or stop that broker first.`
    throw new Failure('failed', error.message, remedy)
  })
  return { outcome: revocationView(report, settings.registered.issuers), obstacles: [...obstacles] }
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
