/** `admin revoke --offline`. */
import { endOf } from '../../http/fences.ts'
import { revocationView } from '../../http/views.ts'
import { revokeOffline } from '../../broker/offline.ts'
import { StoreInUse } from '../../store/address.ts'
import type { OrderRevocation, Revocation } from '../../client/client.ts'
import { Failure } from '../failure.ts'
import { offlineActor, prepareOffline } from '../offline.ts'

/** What was revoked, and what stood in the way of the rest. */
export async function revokeWithoutBroker(
  file: string,
  order: OrderRevocation,
  { command, ...how }: { patienceMs: number; isKeyLost: boolean; command: string },
): Promise<{ outcome: Revocation; obstacles: string[] }> {
  const { settings, obstacles, given } = await prepareOffline(file)
  const until = endOf(order.until, given.clock)
  const report = await revokeOffline(
    settings,
    { ...order, until, actor: offlineActor() },
    { ...given, ...how },
  ).catch((error: unknown) => {
    if (!(error instanceof StoreInUse)) throw error
    const remedy = `Use \`mayfly admin ${command}\` without --offline, or stop that broker first.`
    throw new Failure('failed', error.message, remedy)
  })
  return { outcome: revocationView(report, settings.registered.issuers), obstacles: [...obstacles] }
}
