/** Revocation handles at rest: sealed, each for the row of its own lease (invariant I7). */
import type { Handle } from '../provider/upstream.ts'
import type { Place, Seal } from '../base/seal.ts'
import type { Lease } from './lease.ts'

const placeOf = (leaseId: string): Place => ({ table: 'leases', column: 'handle', row: leaseId })

export function sealHandle(seal: Seal, leaseId: string, handle: Handle): string {
  return seal.seal(JSON.stringify(handle), placeOf(leaseId))
}

/** @throws SealBroken when the handle was sealed for another lease, or altered. */
export function openHandle(seal: Seal, lease: Pick<Lease, 'id' | 'handle'>): Handle {
  return JSON.parse(seal.open(lease.handle ?? '', placeOf(lease.id))) as Handle
}
