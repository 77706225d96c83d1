/**
 * A lease changes state: the change and its event, together (invariant I6). Only what
 * may find the lease on its way out already, the record of a mint and of a recovery,
 * writes its event itself.
 */
import type { Actor, EventType } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import type { LeaseContext } from './context.ts'
import { aboutLease, type Lease, type LeaseChange, type LeaseStatus } from './lease.ts'

/** What is recorded of entering each state; a lease enters `pending` by being intended. */
const eventOf = {
  active: 'lease.minted',
  revoking: 'lease.retired',
  irrevocable: 'lease.irrevocable',
  revoked: 'lease.revoked',
  failed: 'lease.failed',
  expired: 'lease.expired',
} as const satisfies Record<Exclude<LeaseStatus, 'pending'>, EventType>

/** False, and nothing changed nor recorded, where the state that the lease is in does not allow it. */
export async function transition(
  { leases, audit }: Pick<LeaseContext, 'leases' | 'audit'>,
  tx: Tx,
  lease: Pick<Lease, 'id' | 'task' | 'agent' | 'owner'>,
  to: {
    status: keyof typeof eventOf
    /** Milliseconds since 1970. */
    at: number
    change: LeaseChange
    /** Who caused it, where it was not the broker. */
    actor?: Actor
    data: Record<string, unknown>
  },
): Promise<boolean> {
  const { status, at, change, actor = 'broker', data } = to
  if (!(await leases.move(tx, lease.id, status, change))) return false
  audit.record(tx, { at, type: eventOf[status], actor, ...aboutLease(lease), status, data })
  return true
}
