/** One minted credential under a task, and what a store must do for leases. */
import type { Share } from '../agents/registry.ts'
import type { Damaged, Stored } from '../base/damage.ts'
import type { Page, PageRequest } from '../base/page.ts'
import type { Class, Revocation } from '../provider/terms.ts'
import type { Evidence, Intent, Minted } from '../provider/upstream.ts'
import { predecessorsIn } from '../base/states.ts'
import type { Tx } from '../base/unit.ts'
import { ofProvider } from './detail.ts'

export const leaseStatuses = [
  'pending',
  'active',
  'revoking',
  'irrevocable',
  'revoked',
  'failed',
  'expired',
] as const
export type LeaseStatus = (typeof leaseStatuses)[number]

/** Leases whose credential may still work, or is about to be minted. */
export const unfinishedStatuses = [
  'pending',
  'active',
  'revoking',
  'irrevocable',
] as const satisfies LeaseStatus[]

/** States in which a lease without a fingerprint was lost: upstream may have minted, and nobody has had it. */
export const lostStatuses = ['revoking', 'irrevocable'] as const satisfies LeaseStatus[]

const overStatuses: readonly LeaseStatus[] = ['revoked', 'failed', 'expired']

/** Whether there is nothing left of such a lease that could work. */
export function isOver({ status }: { status: LeaseStatus }): boolean {
  return overStatuses.includes(status)
}

/**
 * Whether it is not over, and somebody may hold its credential. Of one that was lost in its mint nobody does: only what
 * is on record is handed out.
 */
export function mayBeHeld(
  lease: { status: LeaseStatus; fingerprint: string | null } | Pick<DamagedLease, 'status' | 'damaged'>,
): boolean {
  if (isOver(lease)) return false
  const isLost = (lostStatuses as readonly LeaseStatus[]).includes(lease.status)
  return 'damaged' in lease || !isLost || lease.fingerprint !== null
}

/**
 * Whether what somebody may hold may work although its end was asked for, other than was said
 * beforehand: of what only expires, nobody was promised more.
 */
export function mayStillWork(
  lease: { status: LeaseStatus; revocation: Revocation; fingerprint: string | null } | DamagedLease,
): boolean {
  return mayBeHeld(lease) && ('damaged' in lease || lease.revocation !== 'expiry')
}

/** Which state may follow which (design §6). */
const successors: Record<LeaseStatus, readonly LeaseStatus[]> = {
  pending: ['active', 'failed', 'revoking'],
  active: ['revoking', 'expired'],
  revoking: ['revoked', 'expired', 'irrevocable'],
  irrevocable: ['revoked', 'expired'],
  revoked: [],
  failed: [],
  expired: [],
}

/** The states from which one can be reached: every change of state asks for them. */
export const predecessors = predecessorsIn(successors)

/** Times are milliseconds since 1970. */
export interface Lease {
  id: string
  task: string
  agent: string
  owner: string
  /** The configured name of the issuer that vouched for the principal. */
  issuer: string
  /** Who acts as the agent, `identityOf` its principal: one identity may match several agents. */
  identity: string
  provider: string
  connection: string
  /** Where that connection led when it minted. */
  upstream: string
  /** The upstream room it takes for as long as it stands, where there is only so much. */
  slot: string | null
  status: LeaseStatus
  /** The normalised authorization detail that was minted, with the connection that was named, if one was. */
  detail: unknown
  classes: Class[]
  revocation: Revocation
  createdAt: number
  /** The task's deadline, or the upstream expiry if that is earlier. */
  deadline: number
  upstreamExpiresAt: number | null
  /**
   * Until when what was minted, or was made with it, can act: so long upstream has to
   * refuse it, and it takes its slot. Set with `upstreamExpiresAt`, and never before it.
   */
  standsUntil: number | null
  /** Set when the credential may exist without having been recorded: the latest moment at which it could work. */
  liveUntil: number | null
  endedAt: number | null
  fingerprint: string | null
  evidence: Evidence | null
  /** SHA-256 of the access token, hex: how RFC 7009 revocation finds the lease. */
  secretHash: string | null
  /** The sealed revocation handle; erased when the lease ends and nothing upstream refers to it. */
  handle: string | null
  /** When the reaper must next look at this lease; null once nothing is left to do. */
  dueAt: number | null
  /** Failed revocations so far, and since when. */
  attempts: number
  failingSince: number | null
  /** Set where another broker on the same store, which lives, deals with it when it is due. */
  elsewhere?: true
}

/** By what a lease is found and ended whose row is damaged; of it only the sealed handle is to be relied on. */
export const leaseFoundBy = [
  'id',
  'task',
  'agent',
  'owner',
  'provider',
  'connection',
  'status',
  'handle',
  'dueAt',
] as const satisfies (keyof Lease)[]
export type StoredLease = Stored<Lease, (typeof leaseFoundBy)[number]>
export type DamagedLease = Damaged<Lease, (typeof leaseFoundBy)[number]>

/** Whether another broker deals with it. A damaged one is everybody's. */
export function isElsewhere(lease: StoredLease): lease is Lease {
  return !('damaged' in lease) && lease.elsewhere === true
}

/** The lease as this broker's own, whoever had it. */
export function asOwn(lease: StoredLease): StoredLease {
  if (!isElsewhere(lease)) return lease
  const { elsewhere: _, ...own } = lease
  return own
}

/** Until when a credential just minted stands, at least as long as it lives. */
export function standingOf({ expiresAt, standsUntil = expiresAt }: Minted): number {
  return Math.max(expiresAt, standsUntil)
}

/** From when on nothing of it can act upstream, as far as that is known. */
export function endOf({ standsUntil, liveUntil }: Pick<Lease, 'standsUntil' | 'liveUntil'>): number | null {
  return standsUntil ?? liveUntil
}

/** What a provider is told of the lease. */
export function intentOf(lease: Lease): Intent<unknown> {
  const { id, task, agent, owner, detail, createdAt, deadline } = lease
  return { leaseId: id, taskId: task, agent, owner, detail: ofProvider(detail), createdAt, deadline }
}

/** The part of every audit event about the lease that does not change. */
export function aboutLease({ id, task, agent, owner }: Pick<Lease, 'id' | 'task' | 'agent' | 'owner'>) {
  return { agent, owner, task, lease: id }
}

/** What a change of state may set besides. */
export type LeaseChange = Partial<
  Pick<
    Lease,
    | 'deadline'
    | 'upstreamExpiresAt'
    | 'standsUntil'
    | 'liveUntil'
    | 'endedAt'
    | 'fingerprint'
    | 'evidence'
    | 'secretHash'
    | 'handle'
    | 'dueAt'
    | 'attempts'
    | 'failingSince'
  >
>

/** Which leases a selector means; all members given must hold. */
export interface LeaseFilter {
  id?: string
  task?: string
  agent?: string
  owner?: string
  /** Agents that are the owner's now: what is of them is meant as well. */
  ownersAgents?: readonly string[]
  issuer?: string
  provider?: string
  connection?: string
  statuses?: readonly LeaseStatus[]
}

/** What revoking leases of one kind takes of a configuration. */
export interface LeaseKind extends Pick<
  Lease,
  'provider' | 'connection' | 'upstream' | 'revocation' | 'detail'
> {
  /** What their handles are sealed with; undefined for those that have none. */
  sealKey: string | undefined
  /** One of them, whose row says so; undefined where it is known of all of them as they were written. */
  id: string | undefined
}

export interface LeaseStore {
  insert(tx: Tx, lease: Lease): Promise<void>
  get(tx: Tx, id: string): Promise<StoredLease | undefined>
  /** In order of creation. */
  find(tx: Tx, filter: LeaseFilter): Promise<StoredLease[]>
  list(tx: Tx, filter: LeaseFilter, page: PageRequest): Promise<Page<StoredLease>>
  /** The task of the unfinished lease whose access token has this hash. */
  taskOfSecret(tx: Tx, hash: string): Promise<string | undefined>
  /** Leases, over or not, of which one of `fingerprints` is known, and the unfinished one whose access token has this hash. */
  ofCredential(
    tx: Tx,
    credential: { hash: string | undefined; fingerprints: readonly string[] },
  ): Promise<StoredLease[]>
  /**
   * Moves the lease to `status` if the state it is in allows it, and sets `change`; through
   * another, where it allows that one and not `status` itself. Returns the states entered: none,
   * and nothing changed, where it allows neither.
   */
  move(
    tx: Tx,
    id: string,
    status: LeaseStatus,
    change: LeaseChange,
    through?: LeaseStatus,
  ): Promise<LeaseStatus[]>
  /** Sets `change` without a change of state, if the lease is in one of `statuses`. */
  amend(tx: Tx, id: string, statuses: readonly LeaseStatus[], change: LeaseChange): Promise<boolean>
  /**
   * Makes a lease whose row is damaged due at `dueAt`, and puts it on its way out whatever
   * state it is in. False where it was on its way out already, or is not damaged.
   */
  suspect(tx: Tx, id: string, change: { dueAt: number; standsUntil: number }): Promise<boolean>
  /** Erases what was kept of a lease that is over, and lets it rest. */
  forget(tx: Tx, id: string): Promise<void>
  /** Sets only when the lease is looked at next. */
  postpone(tx: Tx, id: string, dueAt: number): Promise<void>
  /**
   * The kinds of leases with which something is still to be done, unfinished ones and those of
   * which upstream must be reminded: minted alike, and sealed with one key. In steps, each with
   * what it has found, for there may be very many; none of which there are only damaged ones.
   */
  unsettledKinds(tx: Tx): AsyncIterable<LeaseKind[]>
  /**
   * Leases that are due at `now` and that `skip` does not hold for, the longest due first: some
   * hundreds at most, of those behind `after`. None where there are no more.
   */
  due(
    tx: Tx,
    now: number,
    skip: (id: string) => boolean,
    after?: Pick<StoredLease, 'id' | 'dueAt'>,
  ): Promise<StoredLease[]>
  /** When the next lease comes due after `now`. */
  nextDue(tx: Tx, now: number): Promise<number | undefined>
  /** Makes leases of a connection that wait for their next attempt due at `now`, at most `limit`. Returns how many. */
  hasten(tx: Tx, provider: string, connection: string, now: number, limit: number): Promise<number>
  /**
   * Makes unfinished leases due at `now` whose mint was under way when the process ended that minted
   * them, some hundreds at most; none of which it is another broker's to say. Returns how many: none
   * where there are no more.
   */
  adopt(tx: Tx, now: number): Promise<number>
  /**
   * Classes of the unfinished leases of this share of an agent, of this identity as whatever
   * agent, and of these tasks; what was lost nobody holds (invariant I2). Takes the
   * locks of agent and identity for the rest of the transaction.
   */
  lockHeld(tx: Tx, whose: Share & { identity: string; tasks: readonly string[] }): Promise<Class[]>
  /** How many unfinished leases the share has, lost ones aside, and how many of them the task. */
  countUnfinished(tx: Tx, whose: Share, task: string): Promise<{ agent: number; task: number }>
  /**
   * Of those: how many are active, and when so many are over by themselves that fewer than
   * `most` are left. One whose end has not failed yet is over when it is tried.
   */
  whenFree(
    tx: Tx,
    whose: Share | { task: string },
    most: number,
  ): Promise<{ active: number; next: number | null }>
  /** How many unfinished leases the agent has, lost ones too. */
  countLive(tx: Tx, agent: string): Promise<number>
  /** How many leases of the share were lost: upstream may have minted, and nobody has ever had what. */
  countLost(tx: Tx, whose: Share): Promise<number>
  /** When the newest lease of the share on the connection was intended, if it was lost or has no answer yet. */
  lastUnanswered(tx: Tx, whose: Share & { provider: string; connection: string }): Promise<number | null>
  /** How many leases are not over, by provider and state. */
  countByStatus(tx: Tx): Promise<{ provider: string; status: string; count: number }[]>
  /**
   * Until when each lease of the share that takes this room upstream at `now` takes it,
   * the soonest first, whatever connection minted it; Infinity while it is being minted.
   */
  slotsTaken(tx: Tx, room: { whose: Share; provider: string; slot: string; now: number }): Promise<number[]>
  /** Sealed handles of the `eventual` leases of a provider that are leaving or revoked, and stand at `now`. */
  standing(tx: Tx, provider: string, now: number): Promise<Pick<Lease, 'id' | 'handle'>[]>
}
