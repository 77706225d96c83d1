/** Finding out, after a revocation, whether the credential is really dead. */
import type { Evidence, Handle } from '../provider.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import type { Lease } from './lease.ts'
import { recordEvidence } from './record.ts'
import { asProviderError, withinUpstream } from './upstream.ts'

/** Probes once and records what was found. Does not reject: evidence is worth having, never worth failing for. */
export async function probe(
  context: LeaseContext,
  entry: ConnectionEntry,
  lease: Lease,
  handle: Handle,
): Promise<void> {
  const { unit, clock, log } = context
  let evidence: Evidence
  try {
    evidence = await withinUpstream(context, 'probe', (signal) => entry.connection.probe(handle, { signal }))
  } catch (error) {
    evidence = { result: 'unknown', method: asProviderError(error).message, at: clock.now() }
  }
  if (evidence.result === 'live') log.error({ lease: lease.id, evidence }, 'a revoked credential still works')
  try {
    await unit.write((tx) => recordEvidence(context, tx, lease, evidence))
  } catch (error) {
    log.error({ err: error, lease: lease.id }, 'evidence could not be recorded')
  }
}
