/** Revokes from memory a credential whose record the store cannot take. */
import { pause } from '../base/clock.ts'
import { ProviderError } from '../provider/failure.ts'
import type { Evidence, Minted } from '../provider/upstream.ts'
import { backoff } from './backoff.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { settles } from './evidence.ts'
import { type Lease, standingOf } from './lease.ts'
import { probe } from './probe.ts'
import { recordExpired, recordFailed, recordRevoked } from './record.ts'
import type { Revoker } from './revoke.ts'
import { ask } from './upstream.ts'

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
    let seen: Evidence | undefined
    for (let attempt = 1; context.clock.now() < standingOf(minted); attempt += 1) {
      seen = await ended(context, lease, entry, minted)
      if (seen) break
      await pause(context.clock, backoff(attempt, undefined))
    }
    for (let attempt = 1; !(await recorded(context, lease, seen)); attempt += 1)
      await pause(context.clock, backoff(attempt, undefined))
  })
}

/** What was seen of its end, if upstream took the revocation and it was. */
async function ended(
  context: LeaseContext,
  lease: Lease,
  entry: ConnectionEntry,
  { handle }: Minted,
): Promise<Evidence | undefined> {
  const outcomes = await ask(context, 'revoke', (signal) =>
    entry.upstream.revoke([handle], { standing: () => Promise.resolve([handle]), signal }),
  )
  if (outcomes instanceof ProviderError) {
    context.log.warn({ connection: entry.name, reason: outcomes.message }, 'a revocation failed')
    return undefined
  }
  if (outcomes[0]?.done !== true) return undefined
  const evidence = await probe(context, entry, handle)
  return settles(lease, evidence) ? evidence : undefined
}

async function recorded(context: LeaseContext, lease: Lease, seen: Evidence | undefined): Promise<boolean> {
  try {
    await context.unit.write(async (tx) => {
      const how = seen ? 'so it was revoked' : 'and its upstream life is over'
      if (await recordFailed(context, tx, lease, `it could not be recorded, ${how}`)) return
      if (seen) await recordRevoked(context, tx, lease, seen)
      else await recordExpired(context, tx, lease)
    })
    return true
  } catch {
    return false
  }
}
