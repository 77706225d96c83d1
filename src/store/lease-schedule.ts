/** When something is to be done about leases: what is due, what comes next, and what is brought forward. */
import { sql } from 'kysely'
import { type LeaseStore, unfinishedStatuses } from '../leases/lease.ts'
import { changeLease, toLease } from './lease-row.ts'
import { inheritedOnly, mineOnly } from './assignment.ts'
import { bound, queries, rowsIn } from './transaction.ts'

/** Leases read at once: others wait for it. Of those that are skipped only the ids are read. */
const leasesPerPage = 100
const idsPerPage = 500

export const leaseSchedule: Pick<LeaseStore, 'postpone' | 'due' | 'nextDue' | 'hasten' | 'adopt'> = {
  async postpone(tx, id, dueAt) {
    const row = await rowsIn(tx).one('leases', 'id', id)
    // A lease that has come to rest meanwhile is not woken.
    if (row && row.due_at !== null) await changeLease(tx, row, { due_at: dueAt })
  },

  async due(tx, now, skip, after) {
    const { statements } = bound(tx)
    const [first] = after ? await statements.all('select ordinal from leases where id = ?', [after.id]) : []
    let from: unknown[] = first ? [after!.dueAt, first['ordinal']] : [Number.MIN_SAFE_INTEGER, 0]
    const dueIds = `select id, ordinal, due_at from leases where due_at <= ? and (due_at, ordinal) > (?, ?)
      ${mineOnly(tx)} order by due_at, ordinal limit ${idsPerPage}`
    for (;;) {
      // Ten thousand may be due and under way: only the ids of those are read again.
      const ids = await statements.all(dueIds, [now, ...from])
      const found = ids.filter(({ id }) => !skip(String(id))).slice(0, leasesPerPage)
      const wanted = found.map(({ ordinal }) => Number(ordinal))
      const last = ids.at(-1)
      if (!last) return []
      from = [last['due_at'], last['ordinal']]
      if (wanted.length === 0) continue
      const condition = `ordinal in (${wanted.join()}) order by due_at, ordinal`
      const rows = await rowsIn(tx).where('leases', condition, [])
      return rows.map((row) => toLease(tx, row))
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
    for (const row of waiting) await changeLease(tx, row, { due_at: now })
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
    for (const row of left) await changeLease(tx, row, { due_at: now })
    return left.length
  },
}
