/** What upstream must go on refusing, and keeping it so (docs/decisions/0007). */
import type { Handle } from '../provider.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { openHandle } from './handle.ts'
import { asProviderError, withinUpstream } from './upstream.ts'

/** Handles of the connection's leases that are on their way out or revoked, and inside their upstream life. */
export async function standing(context: LeaseContext, entry: ConnectionEntry): Promise<Handle[]> {
  const { unit, leases, clock, seal, log } = context
  const kept = await unit.read((tx) => leases.standing(tx, entry.provider.type, entry.name, clock.now()))
  return kept.flatMap((lease) => {
    try {
      return [openHandle(seal, lease)]
    } catch (error) {
      log.error({ err: error, lease: lease.id }, 'a sealed handle does not open')
      return []
    }
  })
}

/** Lets every connection put upstream back as it should be. A failure is logged: the next minute tries again. */
export async function maintain(context: LeaseContext): Promise<void> {
  await Promise.all(
    [...context.connections()].map(async (entry) => {
      if (!entry.connection.maintain) return
      try {
        await withinUpstream(context, 'revoke', async (signal) =>
          entry.connection.maintain?.({ standing: () => standing(context, entry), signal }),
        )
      } catch (error) {
        const reason = asProviderError(error).message
        context.log.warn({ connection: entry.name, reason }, 'upstream could not be kept in order')
      }
    }),
  )
}
