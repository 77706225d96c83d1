/** What becomes of a lease whose mint had an outcome that nobody saw. */
import { isoTime } from '../base/iso-time.ts'
import { ProviderError } from '../provider/failure.ts'
import type { Recovery } from '../provider/upstream.ts'
import type { Tx } from '../base/unit.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { intentOf, type Lease, type LeaseChange } from './lease.ts'
import { recordAttempt, recordFailed, recordRevoked } from './record.ts'
import { leave } from './transition.ts'
import { ask } from './upstream.ts'

/**
 * Asks the provider to find and end what may have been minted. Where upstream
 * offers no way, the lease stays visible until the latest moment at which the
 * lost credential could still work.
 */
export async function recover(context: LeaseContext, lease: Lease, entry: ConnectionEntry): Promise<void> {
  const recovery = await ask(context, 'recover', (signal) =>
    entry.upstream.recover(intentOf(lease), { signal }),
  )
  if (recovery instanceof ProviderError)
    context.log.warn(
      { lease: lease.id, connection: entry.name, reason: recovery.message },
      'a recovery failed',
    )
  context.wake(await context.unit.write((tx) => record(context, tx, lease.id, recovery)))
}

/** Returns when the lease is to be looked at next. */
async function record(
  context: LeaseContext,
  tx: Tx,
  id: string,
  recovery: Recovery | ProviderError,
): Promise<number> {
  const { leases, clock } = context
  const lease = await leases.get(tx, id)
  // Somebody has written to its row meanwhile: it is looked at as what it is now.
  if (lease && 'damaged' in lease) return clock.now()
  // Its mint was recorded meanwhile, late as it was: with a handle it can be revoked like any other.
  if (!lease || lease.handle !== null) return clock.now()
  if (recovery instanceof ProviderError) {
    if (lease.status === 'pending') await retireUnknown(context, tx, lease, {}, recovery.message)
    return await recordAttempt(context, tx, lease, recovery)
  }
  if (recovery.gone) {
    const failed = await recordFailed(context, tx, lease, 'nothing of it works upstream')
    if (!failed) await recordRevoked(context, tx, lease)
    return Infinity
  }
  const { liveUntil } = recovery
  await retireUnknown(
    context,
    tx,
    lease,
    { liveUntil, dueAt: liveUntil },
    'the outcome of its mint is unknown',
  )
  return liveUntil
}

async function retireUnknown(
  context: LeaseContext,
  tx: Tx,
  lease: Lease,
  change: LeaseChange,
  reason: string,
): Promise<void> {
  const { liveUntil } = change
  const data = { reason, ...(liveUntil != null && { live_until: isoTime(liveUntil) }) }
  await leave(context, tx, lease, { at: context.clock.now(), change, data })
}
