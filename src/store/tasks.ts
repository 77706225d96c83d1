/** Tasks and the approvals they wait for, as rows. */
import type { Selectable } from 'kysely'
import { recordedPrincipal } from '../identity/principal.ts'
import {
  type Approval,
  type ApprovalStore,
  open,
  predecessors,
  type Task,
  type TaskStore,
} from '../tasks/task.ts'
import type { Schema } from './schema.ts'
import { queries } from './transaction.ts'

function fromRow(row: Selectable<Schema['tasks']>): Task {
  return {
    id: row.id,
    status: row.status as Task['status'],
    agent: row.agent,
    owner: row.owner,
    principal: recordedPrincipal(JSON.parse(row.principal)),
    purpose: row.purpose,
    scope: JSON.parse(row.scope) as Task['scope'],
    ttl: row.ttl,
    context: JSON.parse(row.context) as Task['context'],
    parent: row.parent,
    root: row.root,
    depth: row.depth,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at,
    endReason: row.end_reason as Task['endReason'],
  }
}

export const tasks: TaskStore = {
  async insert(tx, task, tokenHash) {
    await queries(tx)
      .insertInto('tasks')
      .values({
        id: task.id,
        status: task.status,
        agent: task.agent,
        owner: task.owner,
        issuer: task.principal.issuer,
        principal: JSON.stringify(task.principal),
        purpose: task.purpose,
        scope: JSON.stringify(task.scope),
        ttl: task.ttl,
        context: JSON.stringify(task.context),
        parent: task.parent,
        root: task.root,
        depth: task.depth,
        created_at: task.createdAt,
        expires_at: task.expiresAt,
        ended_at: task.endedAt,
        end_reason: task.endReason,
        token_hash: tokenHash,
      })
      .execute()
  },

  async get(tx, id) {
    const row = await queries(tx).selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst()
    return row && fromRow(row)
  },

  async byTokenHash(tx, hash) {
    const row = await queries(tx)
      .selectFrom('tasks')
      .selectAll()
      .where('token_hash', '=', hash)
      .executeTakeFirst()
    return row && fromRow(row)
  },

  async find(tx, { statuses, ...equal }) {
    let query = queries(tx).selectFrom('tasks').selectAll().orderBy('ordinal')
    for (const [column, value] of Object.entries(equal))
      query = query.where(column as keyof typeof equal, '=', value)
    if (statuses) query = query.where('status', 'in', statuses)
    return (await query.execute()).map(fromRow)
  },

  async end(tx, id, status, reason, at) {
    const { numUpdatedRows } = await queries(tx)
      .updateTable('tasks')
      .set({ status, end_reason: reason, ended_at: at })
      .where('id', '=', id)
      .where('status', 'in', predecessors(status))
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },

  async tree(tx, root) {
    const rows = await queries(tx).selectFrom('tasks').select('id').where('root', '=', root).execute()
    return rows.map((row) => row.id)
  },

  async due(tx, now, limit) {
    const rows = await queries(tx)
      .selectFrom('tasks')
      .selectAll()
      .where('status', 'in', open)
      .where('expires_at', '<=', now)
      .orderBy('expires_at')
      .limit(limit)
      .execute()
    return rows.map(fromRow)
  },

  async nextDue(tx, now) {
    const row = await queries(tx)
      .selectFrom('tasks')
      .select((e) => e.fn.min('expires_at').as('next'))
      .where('status', 'in', open)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    return row?.next ?? undefined
  },
}

export const approvals: ApprovalStore = {
  async insert(tx, approval) {
    const { createdAt, ...row } = approval
    await queries(tx)
      .insertInto('approvals')
      .values({ ...row, created_at: createdAt })
      .execute()
  },

  async ofTask(tx, task) {
    const rows = await queries(tx)
      .selectFrom('approvals')
      .selectAll()
      .where('task', '=', task)
      .orderBy('ordinal')
      .execute()
    return rows.map((row) => ({
      id: row.id,
      task: row.task,
      group: row.group,
      digest: row.digest,
      status: row.status as Approval['status'],
      createdAt: row.created_at,
    }))
  },

  async settle(tx, task, status) {
    await queries(tx)
      .updateTable('approvals')
      .set({ status })
      .where('task', '=', task)
      .where('status', '=', 'pending')
      .execute()
  },
}
