/** A credential that exists upstream while the store cannot take its record. */
import { pause } from '../clock.ts'
import type { Minted } from '../provider.ts'
import { backoff } from './backoff.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import type { Lease } from './lease.ts'
import { recordFailed, recordRevoked } from './record.ts'
import type { Revoker } from './revoke.ts'
import { asProviderError, withinUpstream } from './upstream.ts'

/**
 * Revokes what was minted but never recorded or delivered, out of memory, and
 * lets the record follow once the store answers again (invariants I2 and I6).
 * Runs on its own; should the process end first, recovery finds the intent.
 */
export function salvage(
  context: LeaseContext,
  revoker: Revoker,
  lease: Lease,
  entry: ConnectionEntry,
  minted: Minted,
): void {
  void revoker.claim(lease.id, async () => {
    for (let attempt = 1; context.clock.now() < minted.expiresAt; attempt += 1) {
      if (await revoked(context, entry, minted)) break
      await pause(context.clock, backoff(attempt, undefined))
    }
    for (let attempt = 1; !(await recorded(context, lease)); attempt += 1)
      await pause(context.clock, backoff(attempt, undefined))
  })
}

async function revoked(context: LeaseContext, entry: ConnectionEntry, minted: Minted): Promise<boolean> {
  try {
    const [outcome] = await withinUpstream(context, 'revoke', (signal) =>
      entry.connection.revoke([minted.handle], { standing: () => Promise.resolve([minted.handle]), signal }),
    )
    return outcome?.done === true
  } catch (error) {
    context.log.warn(
      { connection: entry.name, reason: asProviderError(error).message },
      'a revocation failed',
    )
    return false
  }
}

async function recorded(context: LeaseContext, lease: Lease): Promise<boolean> {
  try {
    await context.unit.write(async (tx) => {
      const failed = await recordFailed(context, tx, lease, 'it could not be recorded, so it was revoked')
      if (!failed) await recordRevoked(context, tx, lease)
    })
    return true
  } catch {
    return false
  }
}
