/** A lease whose row somebody else has written: what it says of itself is not to be relied on, so it goes (invariant I4). */
import type { Tx } from '../base/unit.ts'
import type { Connections } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { ofProvider } from './detail.ts'
import { aboutLease, type DamagedLease, type Lease } from './lease.ts'

/**
 * As long as anything that a provider mints can act, or be made to: what upstream is to refuse
 * of such a lease it is to refuse so long, whatever the row says.
 */
const longestStandingMs = 12 * 3600 * 1000

/**
 * Puts the lease on its way out, whatever state its row says that it is in, and returns
 * it as it is to be ended: as if its own end were not known, where it says that it has passed.
 */
export async function suspect(
  { leases, audit, clock, connections }: LeaseContext,
  tx: Tx,
  damaged: DamagedLease,
): Promise<Lease> {
  const lease = damaged.says
  const at = clock.now()
  const standsUntil = Math.max(lease.standsUntil ?? 0, at + longestStandingMs)
  if (await leases.suspect(tx, lease.id, { dueAt: at, standsUntil }))
    audit.record(tx, {
      at,
      type: 'lease.retired',
      actor: 'broker',
      ...aboutLease(lease),
      status: 'revoking',
      data: { reason: 'its row is not as it was written' },
    })
  const { upstreamExpiresAt } = lease
  return {
    ...lease,
    status: lease.status === 'irrevocable' ? 'irrevocable' : 'revoking',
    upstreamExpiresAt: upstreamExpiresAt !== null && upstreamExpiresAt > at ? upstreamExpiresAt : null,
    standsUntil,
    liveUntil: null,
    revocation: revocationOf(connections(), lease),
  }
}

/** By its connection, as far as its detail is one. */
function revocationOf(connections: Connections, lease: Lease): Lease['revocation'] {
  try {
    return connections.of(lease)?.terms.revocation(ofProvider(lease.detail)) ?? lease.revocation
  } catch {
    return lease.revocation
  }
}
