/** Leases as rows. */
import { type Selectable, sql } from 'kysely'
import { z } from 'zod'
import {
  type Lease,
  type LeaseChange,
  type LeaseFilter,
  type LeaseKind,
  leaseFoundBy,
  leaseStatuses,
  type LeaseStore,
  predecessors,
  type StoredLease,
  unfinishedStatuses,
} from '../leases/lease.ts'
import { classes, revocations } from '../provider/terms.ts'
import { evidenceResults } from '../provider/upstream.ts'
import { storedAs } from '../base/damage.ts'
import { keyOf } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { isAmong, isTime } from './columns.ts'
import { type Count, countOf, kindIn, lostStatuses } from './counts.ts'
import { leaseCounts } from './lease-counts.ts'
import { isOwned } from './owned.ts'
import { before, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { inheritedOnly, isElsewhere, mineOnly, own } from './share.ts'
import { bound, queries, rowsIn } from './transaction.ts'

type Row = Selectable<Schema['leases']>

const leasesPerPage = 500

const classList = z.array(z.enum(classes))
const evidence = z.object({
  result: z.enum(evidenceResults),
  method: z.string(),
  at: z.number().refine(isTime),
})
/** As much as every provider's detail has in common. */
const detail = z.object({})

/** A row that someone damaged is handed on as such, with what can still be read. */
function fromRow(tx: Tx, row: Row): StoredLease {
  const read = rowsIn(tx).read('leases', row)
  const lease: Lease = {
    id: read.text('id'),
    task: read.text('task'),
    agent: read.text('agent'),
    owner: read.text('owner'),
    issuer: read.text('issuer'),
    identity: read.text('identity'),
    provider: read.text('provider'),
    connection: read.text('connection'),
    upstream: read.text('upstream'),
    slot: read.optionalText('slot'),
    status: read.oneOf('status', leaseStatuses, 'irrevocable'),
    detail: read.json('detail', detail, {}),
    classes: read.json('classes', classList, []),
    revocation: read.oneOf('revocation', revocations, 'immediate'),
    createdAt: read.time('created_at'),
    deadline: read.time('deadline'),
    upstreamExpiresAt: read.optionalTime('upstream_expires_at'),
    standsUntil: read.optionalTime('stands_until'),
    liveUntil: read.optionalTime('live_until'),
    endedAt: read.optionalTime('ended_at'),
    fingerprint: read.optionalText('fingerprint'),
    evidence: row.evidence === null ? null : read.json('evidence', evidence.nullable(), null),
    secretHash: read.optionalText('secret_hash'),
    // What is no handle opens none, and is told of as such; no handle at all would mean that none was minted.
    handle: row.handle === null ? null : read.text('handle'),
    dueAt: read.optionalTime('due_at'),
    attempts: read.count('attempts'),
    failingSince: read.optionalTime('failing_since'),
    ...(isElsewhere(tx, row) && { elsewhere: true as const }),
  }
  return storedAs(lease, read.damage, leaseFoundBy)
}

function changed(change: LeaseChange): Partial<Row> {
  const names = {
    deadline: 'deadline',
    upstreamExpiresAt: 'upstream_expires_at',
    standsUntil: 'stands_until',
    liveUntil: 'live_until',
    endedAt: 'ended_at',
    fingerprint: 'fingerprint',
    evidence: 'evidence',
    secretHash: 'secret_hash',
    handle: 'handle',
    dueAt: 'due_at',
    attempts: 'attempts',
    failingSince: 'failing_since',
  } as const satisfies Record<keyof LeaseChange, keyof Row>
  const { evidence: found } = change
  const values = { ...change, ...(found && { evidence: JSON.stringify(found) }) }
  return Object.fromEntries(
    Object.entries(values).map(([member, value]) => [names[member as keyof LeaseChange], value]),
  )
}

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

/** Changes the row. Whoever says when it is due deals with it then. */
async function set(tx: Tx, row: Row, change: Partial<Row>): Promise<void> {
  const { due_at: dueAt = null } = change
  const mine = dueAt !== null && dueAt !== row.due_at && own(tx)
  await rowsIn(tx).change('leases', row, { ...change, ...mine })
}

/** Where somebody else has altered a count, or a lease. */
async function* kindsByRows(tx: Tx): AsyncGenerator<LeaseKind[]> {
  const { statements } = bound(tx)
  const seen = new Set<string>()
  let after: unknown[] = [Number.MIN_SAFE_INTEGER, 0]
  for (;;) {
    const rows = (await statements.all(nextUnsettled, after)) as unknown as Row[]
    const found: LeaseKind[] = []
    for (const row of rows) {
      const sealKey = keyOf(String(row.handle))
      const kind = JSON.stringify([countOf.kind(row), sealKey])
      if (seen.has(kind)) continue
      const lease = fromRow(tx, row)
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

function kindsOf([key, count]: readonly [string, Count]): LeaseKind[] {
  const { minted, sealKeys } = kindIn(key, count)
  const kind = { ...minted, revocation: minted.revocation as Lease['revocation'], id: undefined }
  return sealKeys.map((sealKey) => ({ ...kind, detail: JSON.parse(minted.detail) as unknown, sealKey }))
}

export const leases: LeaseStore = {
  ...leaseCounts,

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
      ...own(tx),
    })
  },

  async get(tx, id) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    return row && fromRow(tx, row)
  },

  async find(tx, filter) {
    const { task, statuses, ...others } = filter
    if (task !== undefined && Object.keys(others).length === 0) {
      // With every end of a task: written out once.
      const among = statuses ? `and status in (${statuses.map((status) => `'${status}'`).join()})` : ''
      const rows = await rowsIn(tx).where('leases', `task = ? ${among} order by ordinal`, [task])
      return rows.map((row) => fromRow(tx, row))
    }
    return (await filtered(tx, filter).orderBy('ordinal').execute()).map((row) => fromRow(tx, row))
  },

  async list(tx, filter, page) {
    const rows = await filtered(tx, filter)
      .where('ordinal', '<', before(page))
      .orderBy('ordinal', 'desc')
      .limit(page.limit + 1)
      .execute()
    return pageOf(rows, page, (row) => fromRow(tx, row))
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
    return rows.map((row) => fromRow(tx, row))
  },

  async move(tx, id, status, change) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row || !isAmong(predecessors(status), row.status)) return false
    await set(tx, row, { ...changed(change), status })
    return true
  },

  async amend(tx, id, statuses, change) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row || !isAmong(statuses, row.status)) return false
    await set(tx, row, changed(change))
    return true
  },

  async suspect(tx, id, { dueAt, standsUntil }) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (!row || rowsIn(tx).isGenuine('leases', row)) return false
    const leaving = isAmong(['revoking', 'irrevocable'], row.status)
    const change = { due_at: dueAt, stands_until: standsUntil }
    await set(tx, row, { ...change, ...(!leaving && { status: 'revoking' }) })
    return !leaving
  },

  async forget(tx, id) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    if (row && !isAmong(unfinishedStatuses, row.status))
      await rowsIn(tx).change('leases', row, { handle: null, due_at: null })
  },

  async postpone(tx, id, dueAt) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    // A lease that has come to rest meanwhile is not woken.
    if (row && row.due_at !== null) await set(tx, row, { due_at: dueAt })
  },

  async due(tx, now, skip, after) {
    const { statements } = bound(tx)
    const [first] = after ? await statements.all('select ordinal from leases where id = ?', [after.id]) : []
    let from: unknown[] = first ? [after!.dueAt, first['ordinal']] : [Number.MIN_SAFE_INTEGER, 0]
    const dueIds = `select id, ordinal, due_at from leases where due_at <= ? and (due_at, ordinal) > (?, ?)
      ${mineOnly(tx)} order by due_at, ordinal limit ${leasesPerPage}`
    for (;;) {
      // Ten thousand may be due and under way: only the ids of those are read again.
      const ids = await statements.all(dueIds, [now, ...from])
      const wanted = ids.filter(({ id }) => !skip(String(id))).map(({ ordinal }) => Number(ordinal))
      const last = ids.at(-1)
      if (!last) return []
      from = [last['due_at'], last['ordinal']]
      if (wanted.length === 0) continue
      const condition = `ordinal in (${wanted.join()}) order by due_at, ordinal`
      const rows = await rowsIn(tx).where('leases', condition, [])
      return rows.map((row) => fromRow(tx, row))
    }
  },

  async nextDue(tx, now) {
    const { statements } = bound(tx)
    const next = `select due_at from leases where due_at > ?${mineOnly(tx)} order by due_at limit 1`
    const [row] = await statements.all(next, [now])
    return row && Number(row['due_at'])
  },

  async hasten(tx, provider, connection, now, limit) {
    const waiting = await queries(tx)
      .selectFrom('leases')
      .selectAll()
      .where('provider', '=', provider)
      .where('connection', '=', connection)
      // What is revoked waits for its upstream expiry and for nothing else.
      .where('status', 'in', unfinishedStatuses)
      .where('due_at', '>', now)
      // As literals, for the index of those that have failed is of these.
      .where(sql<boolean>`attempts > 0 and due_at is not null`)
      .limit(limit)
      .execute()
    for (const row of waiting) await set(tx, row, { due_at: now })
    return waiting.length
  },

  async adopt(tx, now) {
    const left = await queries(tx)
      .selectFrom('leases')
      .selectAll()
      .where('status', 'in', ['pending', 'revoking'])
      .where('handle', 'is', null)
      .where('live_until', 'is', null)
      .where('due_at', '>', now)
      .where(sql<boolean>`true${sql.raw(inheritedOnly(tx))}`)
      .limit(leasesPerPage)
      .execute()
    for (const row of left) await set(tx, row, { due_at: now })
    return left.length
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
