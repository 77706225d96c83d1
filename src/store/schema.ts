/** The tables as they stand. Times are integer milliseconds; JSON is text; booleans do not occur. */
import type { Generated } from 'kysely'

/** A table whose rows are under a MAC each, `KEY.MAC` over all the other columns. */
type Sealed<Columns> = Columns & { row_mac: Generated<string | null> }

export interface Schema {
  tasks: Sealed<{
    id: string
    status: string
    agent: string
    owner: string
    /** The configured name of the issuer, for selectors; the principal holds the rest. */
    issuer: string
    principal: string
    purpose: string
    scope: string
    ttl: number
    context: string
    parent: string | null
    root: string
    depth: number
    created_at: number
    expires_at: number
    ended_at: number | null
    end_reason: string | null
    token_hash: string
    /** The session that opened it: canonical JSON, so that one session is one text. */
    session: string | null
    /** How far its parent bounds it; null where its grant is its agent's own. */
    bounded: string | null
    /** Seconds; null where nobody has to be heard. */
    heartbeat: number | null
    /** When it counts as silent, unless it is heard before. */
    silent_at: number | null
    /** Which of several brokers ends it when it is due. */
    broker: Generated<string | null>
    ordinal: Generated<number>
  }>
  approvals: Sealed<{
    id: string
    task: string
    group: string
    digest: string
    /** Which policies ask for it, JSON; null in rows from before that was kept. */
    policies: string | null
    status: string
    created_at: number
    /** Who settled it, `ISSUER:SUBJECT`, when, and in which words. */
    by: string | null
    at: number | null
    reason: string | null
    /** Over the row: a yes written straight into the table is none. */
    mac: string | null
    mac_key: string | null
    ordinal: Generated<number>
  }>
  leases: Sealed<{
    id: string
    task: string
    agent: string
    owner: string
    issuer: string
    identity: string
    provider: string
    connection: string
    upstream: string
    /** The upstream room it takes, where there is only so much. */
    slot: string | null
    status: string
    detail: string
    classes: string
    revocation: string
    created_at: number
    deadline: number
    upstream_expires_at: number | null
    /** Until when it takes its room, and upstream has to refuse what it named. */
    stands_until: number | null
    live_until: number | null
    ended_at: number | null
    fingerprint: string | null
    evidence: string | null
    secret_hash: string | null
    handle: string | null
    due_at: number | null
    attempts: number
    failing_since: number | null
    /** Which of several brokers deals with it when it is due. */
    broker: Generated<string | null>
    ordinal: Generated<number>
  }>
  fences: Sealed<{
    id: string
    kind: string
    selector: string
    /** What it is found by; several may have the same. */
    key: string
    agents: string
    reason: string
    by: string
    at: number
    until: number | null
    ordinal: Generated<number>
  }>
  /** What a repeated request resumes. */
  idempotency: Sealed<{
    key: string
    /** SHA-256 of the request, hex. */
    digest: string
    task: string
    lease: string | null
    until: number
  }>
  /** What one task has handed on to another agent, by the hash of its token. */
  delegations: Sealed<{
    hash: string
    id: string
    task: string
    agent: string
    scope: string
    ttl: number | null
    until: number
    /** The task that was opened with it. */
    used_by: string | null
  }>
  /** Brokers that write this store side by side, and those whose work is not over yet. */
  brokers: Sealed<{
    id: string
    version: string
    /** The digest of its configuration. */
    configuration: string
    started_at: number
    /** By its own clock. */
    seen_at: number
    /** Grows with each time that it says that it is there. */
    beats: number
    /** Who has taken its work over; empty where it gave it back. */
    heir: string | null
    /** How often who asked it lately: JSON. */
    asked: string
  }>
  /** One row: what tells this store's traces upstream from another's. */
  installation: Sealed<{ id: string }>
  federation_keys: Sealed<{ kid: string; sealed: string }>
  used_tokens: Sealed<{ key: string; until: number }>
  /** How much is not over, by whom it counts: JSON, numbers by name. */
  counts: Sealed<{ key: string; value: string }>
  /** How far along the record those are who follow it. */
  cursors: Sealed<{ name: string; seq: number; mac: string | null }>
  audit_events: {
    seq: number
    at: number
    type: string
    actor: string
    agent: string | null
    owner: string | null
    task: string | null
    lease: string | null
    status: string | null
    data: string | null
    /** The id of the API request that it came of. */
    request: string | null
    key: string
    mac: string
  }
  /** One row: the end of the chain under a MAC of its own, so that a shortened chain is noticed. */
  audit_head: {
    id: number
    seq: number
    mac: string
    key: string
    head_mac: string
    /** How often the store has been written. */
    commits: number
    /** Sealed: `HeadState`. */
    state: string
  }
}
