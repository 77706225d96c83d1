/** What somebody waits for: revoking what a commit has retired. */
import { atMost } from '../base/clock.ts'
import type { LeaseContext } from './context.ts'
import { awaitEnds } from './await-ends.ts'
import { isElsewhere, type StoredLease } from './lease.ts'
import type { Revoker } from './revoke.ts'

/** Milliseconds that a caller waits for the credentials to be seen dead; what takes longer goes on without it. */
const revokeWithinMs = 10_000

/**
 * Revokes and probes them, or waits until another broker has, where `retire` says that one does;
 * returns when all is done or the time for it is up.
 */
export async function revokeNow(
  context: Pick<LeaseContext, 'unit' | 'leases' | 'clock'> & { revoker: Revoker },
  leases: readonly StoredLease[],
): Promise<void> {
  if (leases.length === 0) return
  const { clock, revoker } = context
  const elsewhere = leases.filter(isElsewhere)
  const own = leases.filter((lease) => !isElsewhere(lease)).map((lease) => revoker.revoke(lease))
  await atMost(clock, revokeWithinMs, Promise.all([...own, awaitEnds(context, elsewhere)]))
}
