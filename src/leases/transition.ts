/**
 * A lease changes state: the change and its event, together (invariant I6). Of one whose row
 * somebody has spoilt, no state can be asked for: that one goes by `suspect`.
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

/** A state that is entered, and what is recorded of that. */
export interface Step {
  status: keyof typeof eventOf
  /** Milliseconds since 1970. */
  at: number
  /** Who caused it, where it was not the broker. */
  actor?: Actor
  data: Record<string, unknown>
}

/**
 * False, and nothing changed nor recorded, where the state that the lease is in does not allow it,
 * nor `through`: a step that has to come before, where nobody has taken it yet.
 */
export async function transition(
  { leases, audit }: Pick<LeaseContext, 'leases' | 'audit'>,
  tx: Tx,
  lease: Pick<Lease, 'id' | 'task' | 'agent' | 'owner'>,
  to: Step & { change: LeaseChange; through?: Step | undefined },
): Promise<boolean> {
  const { change, through } = to
  const entered = await leases.move(tx, lease.id, to.status, change, through?.status)
  for (const { status, at, actor = 'broker', data } of through ? [through, to] : [to])
    if (entered.includes(status))
      audit.record(tx, { at, type: eventOf[status], actor, ...aboutLease(lease), status, data })
  return entered.length > 0
}

/**
 * Puts the lease on its way out, or puts on record what has become known of one that is: the
 * answer to its mint, or to the search for it, may come after its task has ended. Returns the
 * state that it is in then; undefined, and nothing changed nor recorded, where it is over.
 */
export async function leave(
  { leases, audit }: Pick<LeaseContext, 'leases' | 'audit'>,
  tx: Tx,
  lease: Lease,
  { at, change, data }: { at: number; change: LeaseChange; data: Record<string, unknown> },
): Promise<LeaseStatus | undefined> {
  const leaving =
    (await leases.move(tx, lease.id, 'revoking', change)).length > 0 ||
    (await leases.amend(tx, lease.id, ['revoking', 'irrevocable'], change))
  if (!leaving) return undefined
  const { status } = (await leases.get(tx, lease.id))!
  audit.record(tx, { at, type: 'lease.retired', actor: 'broker', ...aboutLease(lease), status, data })
  return status
}
