/** Leases as rows. */
import {
  type Lease,
  type LeaseFilter,
  type LeaseKind,
  type LeaseStatus,
  lostStatuses,
  type LeaseStore,
  predecessors,
  unfinishedStatuses,
} from '../leases/lease.ts'
import { keyOf } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { isAmong, isTime } from './columns.ts'
import { type Count, countOf, kindIn } from './counts.ts'
import { leaseCounts } from './lease-counts.ts'
import { changeLease, type LeaseRow, toColumns, toLease } from './lease-row.ts'
import { leaseSchedule } from './lease-schedule.ts'
import { isOwned } from './owned.ts'
import { newestFirst } from './paging.ts'
import { assignedHere } from './assignment.ts'
import { bound, queries, rowsIn } from './transaction.ts'

const leasesPerPage = 500

function filtered(tx: Tx, { statuses, owner, ownersAgents, ...equal }: LeaseFilter) {
  const query = queries(tx)
    .selectFrom('leases')
    .selectAll()
    .where((e) => e.and(equal))
    .$if(owner !== undefined, (asked) => asked.where(isOwned(owner!, ownersAgents)))
  return statuses ? query.where('status', 'in', statuses) : query
}

const nextUnsettled = `select * from leases where due_at is not null and (due_at, ordinal) > (?, ?)
  order by due_at, ordinal limit ${leasesPerPage}`

/** Where somebody else has altered a count, or a lease. */
async function* kindsByRows(tx: Tx): AsyncGenerator<LeaseKind[]> {
  const { statements } = bound(tx)
  const seen = new Set<string>()
  let after: unknown[] = [Number.MIN_SAFE_INTEGER, 0]
  for (;;) {
    const rows = (await statements.all(nextUnsettled, after)) as unknown as LeaseRow[]
    const found: LeaseKind[] = []
    for (const row of rows) {
      const sealKey = keyOf(String(row.handle))
      const kind = JSON.stringify([countOf.kind(row), sealKey])
      if (seen.has(kind)) continue
      const lease = toLease(tx, row)
      // The next of its kind may be as it was written.
      if ('damaged' in lease) continue
      seen.add(kind)
      found.push({ ...lease, sealKey })
    }
    yield found
    const last = rows.at(-1)
    if (!last || rows.length < leasesPerPage) return
    after = [last.due_at, last.ordinal]
  }
}

function kindsOf([, count]: readonly [string, Count]): LeaseKind[] {
  const found = kindIn(count)
  if (!found) return []
  const { minted, sealKeys } = found
  const kind = { ...minted, revocation: minted.revocation as Lease['revocation'], id: undefined }
  return sealKeys.map((sealKey) => ({ ...kind, detail: JSON.parse(minted.detail) as unknown, sealKey }))
}

export const leases: LeaseStore = {
  ...leaseCounts,
  ...leaseSchedule,

  async insert(tx, lease) {
    await rowsIn(tx).insert('leases', {
      id: lease.id,
      task: lease.task,
      agent: lease.agent,
      owner: lease.owner,
      issuer: lease.issuer,
      identity: lease.identity,
      provider: lease.provider,
      connection: lease.connection,
      upstream: lease.upstream,
      slot: lease.slot,
      status: lease.status,
      detail: JSON.stringify(lease.detail),
      classes: JSON.stringify(lease.classes),
      revocation: lease.revocation,
      created_at: lease.createdAt,
      deadline: lease.deadline,
      upstream_expires_at: lease.upstreamExpiresAt,
      stands_until: lease.standsUntil,
      live_until: lease.liveUntil,
      ended_at: lease.endedAt,
      fingerprint: lease.fingerprint,
      evidence: lease.evidence === null ? null : JSON.stringify(lease.evidence),
      secret_hash: lease.secretHash,
      handle: lease.handle,
      due_at: lease.dueAt,
      attempts: lease.attempts,
      failing_since: lease.failingSince,
      ...assignedHere(tx),
    })
  },

  async get(tx, id) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    return row && toLease(tx, row)
  },

  async find(tx, filter) {
    const { task, statuses, ...others } = filter
    if (task !== undefined && Object.keys(others).length === 0) {
      // With every end of a task: written out once.
      const among = statuses ? `and status in (${statuses.map((status) => `'${status}'`).join()})` : ''
      const rows =
        statuses === unfinishedStatuses
          ? await rowsIn(tx).found('unfinished', task)
          : await rowsIn(tx).where('leases', `task = ? ${among} order by ordinal`, [task])
      return rows.map((row) => toLease(tx, row))
    }
    return (await filtered(tx, filter).orderBy('ordinal').execute()).map((row) => toLease(tx, row))
  },

  async list(tx, filter, page) {
    return await newestFirst(filtered(tx, filter), page, (row) => toLease(tx, row))
  },

  async taskOfSecret(tx, hash) {
    return (await rowsIn(tx).one('leases', 'secret_hash', hash))?.task
  },

  async ofCredential(tx, { hash, fingerprints }) {
    const rows = await queries(tx)
      .selectFrom('leases')
      .selectAll()
      .where((e) =>
        e.or([
          e('fingerprint', 'in', fingerprints),
          ...(hash === undefined ? [] : [e('secret_hash', '=', hash)]),
        ]),
      )
      .orderBy('ordinal')
      .execute()
    return rows.map((row) => toLease(tx, row))
  },

  async move(tx, id, status, change, through) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row) return []
    const path = isAmong(predecessors(status), row.status) ? [status] : through ? [through, status] : []
    const follows = (next: LeaseStatus, at: number) => isAmong(predecessors(next), path[at - 1] ?? row.status)
    if (!path.every(follows)) return []
    if (path.length > 0) await changeLease(tx, row, { ...toColumns(change), status })
    return path
  },

  async amend(tx, id, statuses, change) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row || !isAmong(statuses, row.status)) return false
    await changeLease(tx, row, toColumns(change))
    return true
  },

  async suspect(tx, id, { dueAt, standsUntil }) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row || rowsIn(tx).isGenuine('leases', row)) return false
    const leaving = isAmong(['revoking', 'irrevocable'], row.status)
    const change = { due_at: dueAt, stands_until: standsUntil }
    await changeLease(tx, row, { ...change, ...(!leaving && { status: 'revoking' }) })
    return !leaving
  },

  async forget(tx, id) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (row && !isAmong(unfinishedStatuses, row.status))
      await rowsIn(tx).change('leases', row, { handle: null, due_at: null })
  },

  async *unsettledKinds(tx) {
    for await (const counts of rowsIn(tx).countsWithin('kind ', 'kind!', 'leases')) {
      if (!counts) return yield* kindsByRows(tx)
      yield counts.flatMap(kindsOf)
    }
  },

  async lastUnanswered(tx, { provider, connection, agent, owner }) {
    const newest = await queries(tx)
      .selectFrom('leases')
      .select(['created_at', 'status', 'fingerprint'])
      .where((e) => e.and({ agent, provider, connection, ...(owner !== undefined && { owner }) }))
      .orderBy('ordinal', 'desc')
      .limit(1)
      .executeTakeFirst()
    const unanswered = newest?.fingerprint === null && isAmong(['pending', ...lostStatuses], newest.status)
    return unanswered && isTime(newest.created_at) ? newest.created_at : null
  },

  async slotsTaken(tx, { provider, slot, whose, now }) {
    const { agent, owner } = whose
    const rows = await queries(tx)
      .selectFrom('leases')
      .select('stands_until')
      .where('provider', '=', provider)
      .where('slot', '=', slot)
      .where('agent', '=', agent)
      .$if(owner !== undefined, (asked) => asked.where('owner', '=', owner!))
      .where((e) => e.or([e('stands_until', '>', now), e('status', '=', 'pending')]))
      .execute()
    return rows.map((row) => row.stands_until ?? Infinity).toSorted((a, b) => a - b)
  },

  async standing(tx, provider, now) {
    return await queries(tx)
      .selectFrom('leases')
      .select(['id', 'handle'])
      .where('provider', '=', provider)
      .where('revocation', '=', 'eventual')
      .where('status', 'in', ['revoking', 'irrevocable', 'revoked'])
      .where('handle', 'is not', null)
      .where('stands_until', '>', now)
      .execute()
  },
}
