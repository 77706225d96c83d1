/** What goes on record: every decision and every change of state. */
import type { Page, PageRequest } from '../base/page.ts'
import type { Tx } from '../base/unit.ts'

/** What happened. One word for one thing: new kinds are added here, none is ever renamed. */
export const eventTypes = [
  'broker.started',
  'broker.stopped',
  'configuration.reloaded',
  'configuration.refused',
  'authentication.failures',
  'request.denied',
  'request.explained',
  'token.replayed',
  'task.opened',
  'task.resumed',
  'task.joined',
  'task.approved',
  'task.delegated',
  'task.ended',
  'lease.intended',
  'lease.minted',
  'lease.failed',
  'lease.retired',
  'lease.irrevocable',
  'lease.revoked',
  'lease.expired',
  'lease.evidence',
  'tool.called',
  'approval.requested',
  'approval.granted',
  'approval.denied',
  'agent.suspended',
  'agent.resumed',
  'agent.review_near',
  'fence.raised',
  'fence.lifted',
  'revocation.ordered',
  'retention.applied',
  'store.doubted',
  'store.accepted',
] as const

export type EventType = (typeof eventTypes)[number]

/** Who did it: a workload under its agent, a named admin, or the broker itself. */
export type Actor = `agent:${string}` | `admin:${string}` | 'broker'

/** One thing that happened. Never holds a secret: credentials appear as fingerprints. */
export interface AuditEvent {
  /** Milliseconds since 1970. */
  at: number
  type: EventType
  actor: Actor
  agent?: string
  owner?: string
  task?: string
  lease?: string
  /** The state that the lease, or else the task, is in from now on. */
  status?: string
  /** What else a reader wants to know; JSON. */
  data?: Record<string, unknown>
  /** The id of the API request that it came of, `req_…`. */
  request?: string
}

/** An event as it stands in the chain. */
export interface ChainedEvent extends AuditEvent {
  /** 1, 2, 3, … without a gap. */
  seq: number
  /** The id of the seal key under which `mac` was made. */
  key: string
  mac: string
}

/** The end of the chain: `SEQ:MAC` names it to someone outside. */
export interface Head {
  seq: number
  mac: string
}

/** The stored end of the chain, under a MAC of its own: events cut off the end are missed by it. */
export interface StoredHead extends Head {
  /** How often the store has been written. */
  commits: number
  /** What else the store keeps with it, sealed. */
  state: string
  /** The id of the seal key under which `headMac` was made. */
  key: string
  headMac: string
}

/** An event as it was found, which need not be as it was chained. */
export interface ListedEvent extends ChainedEvent {
  /** The MAC of the event before it, or what the first one follows: with it the event is verified by itself. */
  previous: string
  /** Set when it is not as it was written, or not where it was written. */
  damaged?: string
}

/** All members given must hold. */
export interface EventFilter {
  type?: EventType
  actor?: string
  agent?: string
  owner?: string
  task?: string
  lease?: string
  request?: string
  /** What it says of the lease whose credential upstream calls so. */
  fingerprint?: string
  /**
   * A claim that names a run or session, `NAME=VALUE`, or its value alone: what it opened, what came of
   * that, what it was refused, and what kept it out.
   */
  run?: string
  /** Milliseconds since 1970: not before this. */
  since?: number
  /** Milliseconds since 1970: before this. */
  until?: number
}

/** Which part of the record is wanted: the newest first, unless `oldestFirst`. */
export interface EventPageRequest extends PageRequest {
  oldestFirst?: boolean | undefined
}

/** Where the core puts its events. */
export interface AuditTrail {
  /** Adds the event to the transaction: both commit, or neither (invariant I6). */
  record(tx: Tx, event: AuditEvent): void
  /** The end of the chain as stored, or undefined while it is empty. */
  head(tx: Tx): Promise<StoredHead | undefined>
  /** What the first event follows. */
  origin(tx: Tx): Promise<Head>
  /**
   * Each held against the one before it. Looks through a part of the record at a time: a page
   * may have fewer events than it could, or none, and yet a `next`.
   */
  list(tx: Tx, filter: EventFilter, page: EventPageRequest): Promise<Page<ListedEvent>>
  /** The one with this number. */
  get(tx: Tx, seq: number): Promise<ListedEvent | undefined>
  /** Events with `seq` greater than `after`, or from the first that is stored, in order of seq as stored. */
  page(tx: Tx, after: number | undefined, limit: number): Promise<ChainedEvent[]>
}
