/** What somebody waits for: revoking what a commit has retired. */
import { atMost } from '../base/clock.ts'
import type { LeaseContext } from './context.ts'
import type { StoredLease } from './lease.ts'
import type { Revoker } from './revoke.ts'

/** Milliseconds that a caller waits for the credentials to be seen dead; what takes longer goes on without it. */
const revokeWithinMs = 10_000

/** Revokes and probes them; returns when all is done or the time for it is up. */
export async function revokeNow(
  { clock, revoker }: Pick<LeaseContext, 'clock'> & { revoker: Revoker },
  leases: readonly StoredLease[],
): Promise<void> {
  if (leases.length === 0) return
  const all = Promise.all(leases.map((lease) => revoker.revoke(lease)))
  await atMost(clock, revokeWithinMs, all)
}
