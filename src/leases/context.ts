/** What the work on leases is done with; put together once, by the composition root. */
import type { AuditTrail } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Seal } from '../base/seal.ts'
import type { Unit } from '../base/unit.ts'
import type { Connections } from './connections.ts'
import type { LeaseStore } from './lease.ts'

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
