/** Approvals as rows. */
import type { Selectable } from 'kysely'
import { type Approval, approvalStatuses, type ApprovalStore } from '../tasks/approval.ts'
import { Columns } from './columns.ts'
import { before, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { queries } from './transaction.ts'

/** A row that someone damaged reads as one that was never granted. */
function fromRow(row: Selectable<Schema['approvals']>): Approval {
  const read = new Columns(row)
  const approval = {
    id: read.text('id'),
    task: read.text('task'),
    group: read.text('group'),
    digest: read.text('digest'),
    status: read.oneOf('status', approvalStatuses, 'expired'),
    createdAt: read.time('created_at'),
  }
  const [by, at, mac, key] = [
    read.optionalText('by'),
    read.optionalTime('at'),
    read.optionalText('mac'),
    read.optionalText('mac_key'),
  ]
  const reason = read.optionalText('reason')
  const unanswered = by === null || at === null || mac === null || key === null
  if (read.damage !== undefined) return { ...approval, status: 'expired', settled: null }
  return { ...approval, settled: unanswered ? null : { by, at, reason, mac, key } }
}

export const approvals: ApprovalStore = {
  async insert(tx, { id, task, group, digest, status, createdAt }) {
    await queries(tx)
      .insertInto('approvals')
      .values({ id, task, group, digest, status, created_at: createdAt })
      .execute()
  },

  async get(tx, id) {
    const row = await queries(tx).selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst()
    return row && fromRow(row)
  },

  async ofTask(tx, task) {
    const rows = await queries(tx)
      .selectFrom('approvals')
      .selectAll()
      .where('task', '=', task)
      .orderBy('ordinal')
      .execute()
    return rows.map(fromRow)
  },

  async list(tx, { agent, owner, ...filter }, page) {
    const whose = { ...(agent !== undefined && { agent }), ...(owner !== undefined && { owner }) }
    const theirs = queries(tx)
      .selectFrom('tasks')
      .select('id')
      .where((e) => e.and(whose))
    const rows = await queries(tx)
      .selectFrom('approvals')
      .selectAll()
      .where((e) => e.and(filter))
      .$if(Object.keys(whose).length > 0, (query) => query.where('task', 'in', theirs))
      .where('ordinal', '<', before(page))
      .orderBy('ordinal', 'desc')
      .limit(page.limit + 1)
      .execute()
    return pageOf(rows, page, fromRow)
  },

  async settle(tx, id, status, { by, at, reason, mac, key }) {
    const { numUpdatedRows } = await queries(tx)
      .updateTable('approvals')
      .set({ status, by, at, reason, mac, mac_key: key })
      .where('id', '=', id)
      .where('status', '=', 'pending')
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  async expire(tx, task) {
    await queries(tx)
      .updateTable('approvals')
      .set({ status: 'expired' })
      .where('task', '=', task)
      .where('status', '=', 'pending')
      .execute()
  },
}
