/** What the work on tasks is done with; put together once, by the composition root. */
import type { FenceStore } from '../agents/fence.ts'
import type { Agents } from '../agents/registry.ts'
import type { Issuers } from '../identity/issuer.ts'
import type { UsedTokens } from '../identity/single-use.ts'
import type { FederationKeyStore } from '../federation/federation.ts'
import type { Connections } from '../leases/connections.ts'
import type { LeaseContext } from '../leases/context.ts'
import type { Revoker } from '../leases/revoke.ts'
import type { Policies } from '../policy/compile.ts'
import type { ApprovalStore } from './approval.ts'
import type { Changes } from './changes.ts'
import type { DelegationStore } from './delegation.ts'
import type { Heartbeats } from './heartbeats.ts'
import type { IdempotencyStore } from './idempotency.ts'
import type { TaskStore } from './task.ts'
import type { Unrecorded } from './unrecorded.ts'

/** The part of one configuration that decides about tasks; immutable, so that a request sees one from beginning to end. */
export interface Rules {
  issuers: Issuers
  agents: Agents
  policies: Policies
  connections: Connections
  limits: {
    /** How many unfinished leases there may be. */
    liveLeases: { task: number; agent: number }
    /** How many tasks an agent may have open, and how many of them waiting for approval. */
    openTasks: number
    pendingApprovals: number
    /** Seconds that a task waits for approval. */
    approvalWindow: number
  }
}

export interface TaskContext extends LeaseContext {
  tasks: TaskStore
  approvals: ApprovalStore
  fences: FenceStore
  delegations: DelegationStore
  idempotency: IdempotencyStore
  usedTokens: UsedTokens
  federationKeys: FederationKeyStore
  revoker: Revoker
  changes: Changes
  heartbeats: Heartbeats
  /** Where people answer a request for approval; undefined where they cannot with a browser. */
  approvalPage: (approval: string) => string | undefined
  /** What was ordered to end and could not be recorded yet. */
  unrecorded: Unrecorded
  /** For what is granted without a row of its own. @throws BrokerError `unavailable` while nothing may be granted to tasks. */
  mayGrant: () => void
}
