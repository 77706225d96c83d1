/** Approvals as rows. */
import type { Selectable } from 'kysely'
import type { Approval, ApprovalStore } from '../tasks/task.ts'
import { before, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { queries } from './transaction.ts'

function fromRow(row: Selectable<Schema['approvals']>): Approval {
  const { by, at, reason, mac, mac_key: key } = row
  return {
    id: row.id,
    task: row.task,
    group: row.group,
    digest: row.digest,
    status: row.status as Approval['status'],
    createdAt: row.created_at,
    settled: by === null || at === null || mac === null || key === null ? null : { by, at, reason, mac, key },
  }
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

  async list(tx, filter, page) {
    const rows = await queries(tx)
      .selectFrom('approvals')
      .selectAll()
      .where((e) => e.and(filter))
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
