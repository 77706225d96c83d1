/** What becomes of a lease whose mint had an outcome that nobody saw. */
import { withinLimit } from '../clock.ts'
import type { Recovery } from '../provider.ts'
import { backoff } from './backoff.ts'
import type { ConnectionEntry } from './connections.ts'
import { about, type LeaseContext, upstreamLimit } from './context.ts'
import { intentOf, type Lease } from './lease.ts'
import { recordFailed, recordRevoked } from './record.ts'

/**
 * Asks the provider to find and end what may have been minted. Where upstream
 * offers no way, the lease stays visible until the latest moment at which the
 * lost credential could still work.
 */
export async function recover(context: LeaseContext, lease: Lease, entry: ConnectionEntry): Promise<void> {
  const { unit, leases, clock, wake } = context
  let recovery: Recovery
  try {
    recovery = await withinLimit(clock, upstreamLimit.recover, (signal) =>
      entry.connection.recover(intentOf(lease), { signal }),
    )
  } catch {
    const attempts = lease.attempts + 1
    const dueAt = clock.now() + backoff(attempts, undefined)
    await unit.write((tx) =>
      leases.amend(tx, lease.id, ['pending', 'revoking', 'irrevocable'], { attempts, dueAt }),
    )
    wake(dueAt)
    return
  }
  if (!recovery.gone) return await awaitItsEnd(context, lease, recovery.liveUntil)
  await unit.write((tx) =>
    lease.status === 'pending'
      ? recordFailed(context, tx, lease, 'nothing of it works upstream')
      : recordRevoked(context, tx, lease),
  )
}

async function awaitItsEnd(context: LeaseContext, lease: Lease, liveUntil: number): Promise<void> {
  const change = { liveUntil, dueAt: liveUntil }
  await context.unit.write(async (tx) => {
    const changed =
      lease.status === 'pending'
        ? await context.leases.move(tx, lease.id, 'revoking', change)
        : await context.leases.amend(tx, lease.id, ['revoking', 'irrevocable'], change)
    if (changed)
      context.audit.record(tx, {
        at: context.clock.now(),
        type: 'lease.retired',
        actor: 'broker',
        ...about(lease),
        status: lease.status === 'pending' ? 'revoking' : lease.status,
        data: { reason: 'the outcome of its mint is unknown', live_until: new Date(liveUntil).toISOString() },
      })
  })
  context.wake(liveUntil)
}
