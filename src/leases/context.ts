/** What the work on leases is done with; put together once, by the composition root. */
import type { AuditTrail } from '../audit/event.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type Handle, ProviderError } from '../provider.ts'
import type { Place, Seal } from '../seal.ts'
import type { Unit } from '../unit.ts'
import type { Connections } from './connections.ts'
import type { Lease, LeaseStore } from './lease.ts'

export interface LeaseContext {
  unit: Unit
  leases: LeaseStore
  audit: AuditTrail
  seal: Seal
  clock: Clock
  log: Log
  /** The connections in force now. */
  connections: () => Connections
  /** Tells the reaper that something is due at this time, milliseconds since 1970. */
  wake: (at: number) => void
}

/** Milliseconds that one upstream operation may take. */
export const upstreamLimit = { mint: 20_000, revoke: 10_000, probe: 5_000, recover: 10_000 } as const

/** A provider that throws anything else has a defect: its words may hold a secret, so they are not passed on. */
export function asProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  return new ProviderError('unavailable', 'the provider failed unexpectedly', { maybeDone: true })
}

/** The part of every audit event about a lease that does not change. */
export function about(lease: Pick<Lease, 'id' | 'task' | 'agent' | 'owner'>) {
  return { agent: lease.agent, owner: lease.owner, task: lease.task, lease: lease.id }
}

const place = (leaseId: string): Place => ({ table: 'leases', column: 'handle', row: leaseId })

export function sealHandle(seal: Seal, leaseId: string, handle: Handle): string {
  return seal.seal(JSON.stringify(handle), place(leaseId))
}

/** @throws SealBroken when the handle was sealed for another lease, or altered. */
export function openHandle(seal: Seal, lease: Pick<Lease, 'id' | 'handle'>): Handle {
  return JSON.parse(seal.open(lease.handle ?? '', place(lease.id))) as Handle
}
