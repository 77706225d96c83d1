/** Tasks as rows. */
import { canonicalize } from '../base/canonical.ts'
import type { Selectable } from 'kysely'
import { z } from 'zod'
import type { Share } from '../agents/registry.ts'
import { recordedPrincipal } from '../identity/principal.ts'
import {
  bounds,
  endReasons,
  type OpenCursor,
  type OpenRow,
  openStatuses,
  predecessors,
  type StoredTask,
  type Task,
  type TaskFilter,
  taskFoundBy,
  taskStatuses,
  type TaskStore,
  tellingColumns,
} from '../tasks/task.ts'
import { storedAs } from '../base/damage.ts'
import type { Tx } from '../base/unit.ts'
import { isAmong } from './columns.ts'
import { type Count, countOf } from './counts.ts'
import { isOwned } from './owned.ts'
import { newestFirst } from './paging.ts'
import type { Change } from './rows.ts'
import type { Schema } from './schema.ts'
import { assignedHere, mineOnly } from './assignment.ts'
import { listed, lookups, padded, statusIn } from './looked-up.ts'
import { openTaskSql } from './sealed-tables.ts'
import { bound, inside, queries, rowsIn } from './transaction.ts'

type Row = Selectable<Schema['tasks']>

/** A scope as it stands in a row. */
export const scopeText = z.array(
  z.object({ provider: z.string(), connection: z.string(), detail: z.object({}) }),
)
const context = z.record(z.string(), z.string())
const principal = z.object({
  issuer: z.string(),
  iss: z.string(),
  subject: z.string(),
  claims: z.record(z.string(), z.unknown()),
})
const session = z
  .object({ issuer: z.string(), claims: z.record(z.string(), z.string()) })
  .refine(({ claims }) => Object.keys(claims).length > 0)
  .optional()

/**
 * A row that someone damaged reads as a task that can get nothing but can be
 * ended: it must not stop the reaper, or an admin, from ending the others.
 */
function fromRow(tx: Tx, row: Selectable<Schema['tasks']>): StoredTask {
  const read = rowsIn(tx).read('tasks', row)
  const nobody = { issuer: String(row.issuer), iss: '', subject: '', claims: {} }
  const opener = row.session === null ? undefined : read.json('session', session, undefined)
  const task: Task = {
    id: read.text('id'),
    status: read.oneOf('status', taskStatuses, 'active'),
    agent: read.text('agent'),
    owner: read.text('owner'),
    principal: recordedPrincipal(read.json('principal', principal, nobody)),
    ...(opener && { session: opener }),
    purpose: read.text('purpose'),
    scope: read.json('scope', scopeText, []),
    ttl: read.count('ttl'),
    context: read.json('context', context, {}),
    parent: read.optionalText('parent'),
    root: read.text('root'),
    depth: read.count('depth'),
    ...(row.bounded !== null && { bounded: read.oneOf('bounded', bounds, 'attenuated') }),
    ...(row.heartbeat !== null && { heartbeat: read.count('heartbeat') }),
    ...(row.silent_at !== null && { silentAt: read.time('silent_at') }),
    createdAt: read.time('created_at'),
    expiresAt: read.time('expires_at'),
    endedAt: read.optionalTime('ended_at'),
    endReason: row.end_reason === null ? null : read.oneOf('end_reason', endReasons, 'revoked'),
  }
  return read.damage === undefined ? task : storedAs({ ...task, scope: [] }, read.damage, taskFoundBy)
}

/** When it is due, by whichever comes first. */
function endsAt({ expires_at: expiresAt, silent_at: silentAt }: Row): number {
  return silentAt === null ? expiresAt : Math.min(expiresAt, silentAt)
}

/** By the index of what is due: what is over, by far the most, is not gone through. */
const openBehind = `status = ? and expires_at >= ? and (expires_at > ? or ordinal > ?)
  order by expires_at, ordinal limit ?`

const openRowsBehind = `select expires_at, ordinal, ${tellingColumns.join()} from tasks where ${openBehind}`
const beginning: OpenCursor = {
  status: openStatuses[0],
  expiresAt: Number.MIN_SAFE_INTEGER,
  ordinal: 0,
}
type Place = Pick<Row, 'expires_at' | 'ordinal'>

function behind({ status, expiresAt, ordinal }: OpenCursor = beginning, limit: number): unknown[] {
  return [status, expiresAt, expiresAt, ordinal, limit]
}

/** Behind what to go on once these have been read; undefined at the end. */
function goingOn(
  rows: readonly Place[],
  { status }: OpenCursor = beginning,
  limit: number,
): OpenCursor | undefined {
  const last = rows.length === limit ? rows.at(-1) : undefined
  if (last) return { status, expiresAt: last.expires_at, ordinal: last.ordinal }
  const other = openStatuses[openStatuses.indexOf(status) + 1]
  return other && { ...beginning, status: other }
}

/** Rows that are named in one question. */
const namedAtOnce = 256

/** Whether there is such a row: SQL. Not `exists`, for which PostgreSQL may read the whole table (docs/decisions/0074). */
const isThere = (from: string) => `(select 1 from ${from} limit 1) is not null`
const unfinished = isThere(`leases where task = tasks.id ${lookups.unfinished.rest}`)
/** What an end would still find to do: the state is any but those that are over, a lease is in use, or a child goes on. */
const hasAnEnd = `(status not in (${listed(taskStatuses.filter((status) => !isAmong(openStatuses, status)))})
  or ${isThere(`leases where task = tasks.id and ${statusIn(['pending', 'active'])}`)}
  or ${isThere(`tasks as child where child.parent = tasks.id and ${statusIn(openStatuses)}`)})`

/** Rows that somebody else has altered and for which this holds: SQL. Very many may be over, and are not read. */
async function altered(tx: Tx, condition: string): Promise<Row[]> {
  const { statements } = bound(tx)
  const names = rowsIn(tx).damaged('tasks')
  const found: Row[] = []
  for (let from = 0; from < names.length; from += namedAtOnce) {
    const some = padded(names.slice(from, from + namedAtOnce))
    const among = some.map(() => '?').join()
    const rows = await statements.all(`select * from tasks where id in (${among}) and ${condition}`, some)
    found.push(...(rows as unknown as Row[]))
  }
  // One may be as it was again.
  return found.filter((row) => !rowsIn(tx).isGenuine('tasks', row))
}

const openOfRoot = `select count(*) as n, min(expires_at) as first from tasks where root = ? and ${openTaskSql}`

function filtered(tx: Tx, { statuses, owner, ownersAgents, ...equal }: TaskFilter) {
  const query = queries(tx)
    .selectFrom('tasks')
    .selectAll()
    .where((e) => e.and(equal))
    .$if(owner !== undefined, (asked) => asked.where(isOwned(owner!, ownersAgents)))
  return statuses ? query.where('status', 'in', statuses) : query
}

/** Where somebody else has altered one. */
async function countByRows(tx: Tx, { agent, owner }: Partial<Share>): Promise<Count> {
  const rows = await queries(tx)
    .selectFrom('tasks')
    .select(['status', (e) => e.fn.countAll<number>().as('count')])
    .$if(agent !== undefined, (asked) => asked.where('agent', '=', agent!))
    .$if(owner !== undefined, (asked) => asked.where('owner', '=', owner!))
    .where('status', 'in', openStatuses)
    .groupBy('status')
    .execute()
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}

/** Whoever waits at another broker for the task to be decided is told. */
async function move(tx: Tx, row: Row, change: Change<'tasks'>): Promise<void> {
  await rowsIn(tx).change('tasks', row, change)
  if (row.status === 'pending_approval') inside(tx).decided.push(row.id)
}

export const tasks: TaskStore = {
  async insert(tx, task, tokenHash) {
    await rowsIn(tx).insert('tasks', {
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
      session: task.session === undefined ? null : canonicalize(task.session),
      bounded: task.bounded ?? null,
      heartbeat: task.heartbeat ?? null,
      silent_at: task.silentAt ?? null,
      ...assignedHere(tx),
    })
  },

  async get(tx, id) {
    const row = await rowsIn(tx).one('tasks', 'id', id)
    return row && fromRow(tx, row)
  },

  async byTokenHash(tx, hash) {
    const row = await rowsIn(tx).one('tasks', 'token_hash', hash)
    return row && fromRow(tx, row)
  },

  async replaceToken(tx, id, tokenHash) {
    const row = await rowsIn(tx).one('tasks', 'id', id)
    if (row) await rowsIn(tx).change('tasks', row, { token_hash: tokenHash })
  },

  async find(tx, filter) {
    return (await filtered(tx, filter).orderBy('ordinal').execute()).map((row) => fromRow(tx, row))
  },

  async list(tx, filter, page) {
    return await newestFirst(filtered(tx, filter), page, (row) => fromRow(tx, row))
  },

  async openAfter(tx, cursor, limit) {
    const rows = await rowsIn(tx).where('tasks', openBehind, behind(cursor, limit))
    return { tasks: rows.map((row) => fromRow(tx, row)), next: goingOn(rows, cursor, limit) }
  },

  async openRowsAfter(tx, cursor, limit) {
    const { statements } = bound(tx)
    const rows = (await statements.all(openRowsBehind, behind(cursor, limit))) as unknown as (OpenRow &
      Place)[]
    return { rows, next: goingOn(rows, cursor, limit) }
  },

  async countOpen(tx, whose) {
    const count = (await rowsIn(tx).count(countOf.share(whose), 'tasks')) ?? (await countByRows(tx, whose))
    const pending = count['pending_approval'] ?? 0
    return { all: pending + (count['active'] ?? 0), pending }
  },

  async countByStatus(tx) {
    // A prefix as a range: `like` would have no index.
    const counts = await rowsIn(tx).allCounts('agent ', 'agent!', 'tasks')
    const each = counts ? counts.map(([, count]) => count) : [await countByRows(tx, {})]
    const sums = new Map<string, number>()
    for (const count of each)
      for (const [name, n] of Object.entries(count)) sums.set(name, (sums.get(name) ?? 0) + n)
    return Object.fromEntries(openStatuses.map((status) => [status, sums.get(status) ?? 0]))
  },

  async firstEnd(tx, { agent, owner }, statuses, besides) {
    const row = await queries(tx)
      .selectFrom('tasks')
      .select('expires_at')
      .where('agent', '=', agent)
      .$if(owner !== undefined, (asked) => asked.where('owner', '=', owner!))
      .where('status', 'in', statuses)
      .orderBy('expires_at')
      .offset(besides)
      .limit(1)
      .executeTakeFirst()
    return row?.expires_at ?? null
  },

  async activate(tx, id, expiresAt, silentAt) {
    const row = await rowsIn(tx).one('tasks', 'id', id)
    if (!row || !isAmong(predecessors('active'), row.status)) return false
    const listening = silentAt !== undefined && { silent_at: silentAt }
    // Whoever sets its deadline keeps it: nobody else is woken for it.
    const change = { status: 'active', expires_at: expiresAt, ...listening, ...assignedHere(tx) }
    await move(tx, row, change)
    return true
  },

  async hear(tx, id, silentAt) {
    const row = await rowsIn(tx).one('tasks', 'id', id)
    if (row?.status !== 'active' || row.silent_at === null || row.silent_at >= silentAt) return
    await rowsIn(tx).change('tasks', row, { silent_at: silentAt })
  },

  async end(tx, id, status, reason, at) {
    const row = await rowsIn(tx).one('tasks', 'id', id)
    // A state that there is not was written by somebody else, and is over with that.
    const leaves = row && (isAmong(predecessors(status), row.status) || !isAmong(taskStatuses, row.status))
    if (!leaves) return false
    const deaf = row.silent_at !== null && { silent_at: null }
    await move(tx, row, { status, end_reason: reason, ended_at: at, ...deaf })
    return true
  },

  async overOf(tx, opener) {
    const rows = await queries(tx)
      .selectFrom('tasks')
      .selectAll()
      .where('session', '=', canonicalize(opener))
      .execute()
    // One that somebody has altered may be over, and of this session, whatever it says.
    const altered: Selectable<Schema['tasks']>[] = []
    for (const id of rowsIn(tx).damaged('tasks')) {
      const row = await rowsIn(tx).one('tasks', 'id', id)
      if (row) altered.push(row)
    }
    return [...rows, ...altered]
      .map((row) => fromRow(tx, row))
      .filter((task) => 'damaged' in task || !isAmong(openStatuses, task.status))
  },

  async altered(tx) {
    return (await altered(tx, hasAnEnd)).map((row) => fromRow(tx, row))
  },

  async tree(tx, root) {
    const rows = await rowsIn(tx).found('tree', root)
    // What one holds that somebody has altered may be held in this tree, whatever it says.
    const perhaps = await altered(tx, unfinished)
    return [...new Set([...rows, ...perhaps].map(({ id }) => String(id)))]
  },

  async lookUp(tx, ids, ...purposes) {
    await rowsIn(tx).lookUp(ids.flatMap((task) => purposes.map((to) => ({ task, to }))))
  },

  async openChildren(tx, id) {
    const rows = await rowsIn(tx).found('openChildren', id)
    return rows.map((row) => fromRow(tx, row))
  },

  async below(tx, id) {
    const found: StoredTask[] = []
    const seen = new Set([id])
    // Whatever an altered one says it hangs off.
    const perhaps = await altered(tx, hasAnEnd)
    for (let level = [id]; level.length > 0;) {
      const rows = level.includes(id) ? perhaps : []
      for (const parent of level)
        rows.push(...(await rowsIn(tx).where('tasks', 'parent = ? order by ordinal', [parent])))
      // In rows that somebody else has written, one may hang off itself.
      const fresh = rows.filter((row) => !seen.has(row.id))
      for (const row of fresh) seen.add(row.id)
      found.push(...fresh.map((row) => fromRow(tx, row)))
      level = fresh.map((row) => row.id)
    }
    return found
  },

  async openInTree(tx, root) {
    const [row] = await bound(tx).statements.all(openOfRoot, [root])
    return { count: Number(row!['n']), firstEnd: row!['first'] === null ? null : Number(row!['first']) }
  },

  async due(tx, now, limit) {
    // A state at a time, each in the order of its index: of both at once all would be sorted for a few.
    const mine = mineOnly(tx)
    const condition = `status = ? and expires_at <= ?${mine} order by expires_at limit ?`
    const rows: Row[] = []
    for (const status of openStatuses)
      rows.push(...(await rowsIn(tx).where('tasks', condition, [status, now, limit])))
    // Those that are over keep no such time.
    const silent = await rowsIn(tx).where('tasks', `silent_at <= ?${mine} order by silent_at limit ?`, [
      now,
      limit,
    ])
    rows.push(...silent.filter(({ id }) => !rows.some((row) => row.id === id)))
    return rows
      .toSorted((a, b) => endsAt(a) - endsAt(b))
      .slice(0, limit)
      .map((row) => fromRow(tx, row))
  },

  async nextDue(tx, now) {
    const { statements } = bound(tx)
    const mine = mineOnly(tx)
    // The first in the order of its index.
    const nextEnd = `select expires_at from tasks where status = ? and expires_at > ?${mine} order by expires_at limit 1`
    const nextSilent = `select silent_at from tasks where silent_at > ?${mine} order by silent_at limit 1`
    const times: number[] = []
    for (const status of openStatuses)
      for (const row of await statements.all(nextEnd, [status, now])) times.push(Number(row['expires_at']))
    for (const row of await statements.all(nextSilent, [now])) times.push(Number(row['silent_at']))
    const known = times.filter(Number.isFinite)
    // Of a damaged row it may be anything, and it is due at no time.
    return known.length > 0 ? Math.min(...known) : times[0]
  },
}
