/** Tasks as rows. */
import type { Selectable } from 'kysely'
import { recordedPrincipal } from '../identity/principal.ts'
import { open, predecessors, type Task, type TaskFilter, type TaskStore } from '../tasks/task.ts'
import type { Tx } from '../unit.ts'
import { before, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { queries } from './transaction.ts'

/**
 * Reads a row. One that someone damaged reads as a task that can get nothing but
 * can be ended: it must not stop the reaper, or an admin, from ending the others.
 */
function fromRow(row: Selectable<Schema['tasks']>): Task {
  try {
    return readable(row)
  } catch {
    const principal = JSON.stringify({ issuer: row.issuer, iss: '', subject: '', claims: {} })
    return {
      ...readable({ ...row, principal, scope: '[]', context: '{}' }),
      damaged: 'a column does not hold JSON',
    }
  }
}

function readable(row: Selectable<Schema['tasks']>): Task {
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

function filtered(tx: Tx, { statuses, ...equal }: TaskFilter) {
  const query = queries(tx)
    .selectFrom('tasks')
    .selectAll()
    .where((e) => e.and(equal))
  return statuses ? query.where('status', 'in', statuses) : query
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

  async replaceToken(tx, id, tokenHash) {
    await queries(tx).updateTable('tasks').set({ token_hash: tokenHash }).where('id', '=', id).execute()
  },

  async find(tx, filter) {
    return (await filtered(tx, filter).orderBy('ordinal').execute()).map(fromRow)
  },

  async list(tx, filter, page) {
    const rows = await filtered(tx, filter)
      .where('ordinal', '<', before(page))
      .orderBy('ordinal', 'desc')
      .limit(page.limit + 1)
      .execute()
    return pageOf(rows, page, fromRow)
  },

  async activate(tx, id, expiresAt) {
    const { numUpdatedRows } = await queries(tx)
      .updateTable('tasks')
      .set({ status: 'active', expires_at: expiresAt })
      .where('id', '=', id)
      .where('status', 'in', predecessors('active'))
      .executeTakeFirst()
    return numUpdatedRows > 0n
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
