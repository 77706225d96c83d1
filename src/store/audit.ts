/** The audit chain's rows. */
import { type ExpressionBuilder, type RawBuilder, type Selectable, sql } from 'kysely'
import { follows } from '../audit/chain.ts'
import type { AuditTrail, ChainedEvent, EventFilter, Head, ListedEvent } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import { anchor } from './anchor.ts'
import { isTime } from './columns.ts'
import type { Dialect, Statements } from './statements.ts'
import { storedHead } from './head.ts'
import { cursorAt, ordinalIn, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { bound, inside, queries } from './transaction.ts'

function fromRow(row: Selectable<Schema['audit_events']>): ChainedEvent {
  // A row may have been tampered with: its values are taken as they are, and the MAC decides.
  // But for what is no time: no list could show it, and as 1970 it has no such MAC either.
  const { seq, at, type, actor, agent, owner, task, lease, status, data, request, key, mac } = row
  return {
    seq,
    at: isTime(at) ? at : 0,
    type: type as ChainedEvent['type'],
    actor: actor as ChainedEvent['actor'],
    ...(agent !== null && { agent }),
    ...(owner !== null && { owner }),
    ...(task !== null && { task }),
    ...(lease !== null && { lease }),
    ...(status !== null && { status }),
    ...(data !== null && { data: parsed(data) }),
    ...(request !== null && { request }),
    key,
    mac,
  }
}

/** Only in the form in which it was written: another that says the same to us may say something else to others. */
function parsed(data: string): Record<string, unknown> {
  try {
    const value = JSON.parse(data) as Record<string, unknown>
    if (JSON.stringify(value) === data) return value
  } catch {
    // It is no JSON at all.
  }
  return { unreadable: data }
}

/** The next events behind this one, as they are stored. */
export async function eventsBehind(tx: Tx, seq: number, limit: number): Promise<ChainedEvent[]> {
  return await eventsAfter(bound(tx).statements, seq, limit)
}

export async function eventsAfter(
  statements: Statements,
  seq: number,
  limit: number,
): Promise<ChainedEvent[]> {
  const rows = await statements.all(`select * from audit_events where seq > ? order by seq limit ${limit}`, [
    seq,
  ])
  return (rows as unknown as Selectable<Schema['audit_events']>[]).map(fromRow)
}

/** Events looked through in one go: somebody else waits for the connection. */
const lookedThrough = 2_000

/** Whether what is asked for is found without looking through the record. */
function hasIndex({ task, lease, fingerprint }: EventFilter): boolean {
  return task !== undefined || lease !== undefined || fingerprint !== undefined
}

function matching(
  dialect: Dialect,
  e: ExpressionBuilder<Schema, 'audit_events'>,
  { request, fingerprint, run, since, until, ...equal }: EventFilter,
) {
  const ofFingerprint = () =>
    e.selectFrom('leases').select('leases.id').where('leases.fingerprint', '=', fingerprint!)
  return e.and([
    e.and(equal),
    ...(request === undefined ? [] : [isOfRequest(dialect, request)]),
    ...(since === undefined ? [] : [e('at', '>=', since)]),
    ...(until === undefined ? [] : [e('at', '<', until)]),
    ...(fingerprint === undefined ? [] : [e('lease', 'in', ofFingerprint())]),
    ...(run === undefined ? [] : [isOfRun(dialect, run)]),
  ])
}

/** What came of it, or the sum that it is counted in. */
function isOfRequest(dialect: Dialect, request: string) {
  const members = dialect.membersOf('data', ['requests'])
  return sql<boolean>`(request = ${request} or (type in ('authentication.failures', 'request.explained')
    and ${isThere(sql`${members} where member.value = ${request}`)}))`
}

/** Whether it tells of the run itself, or belongs to a task that the run opened. */
function isOfRun(dialect: Dialect, run: string) {
  const isIt = sql`(member.value = ${run} or member.key || '=' || member.value = ${run})`
  const ofSession = dialect.membersOf('audit_events.data', ['session', 'claims'])
  const ofSelector = dialect.membersOf('audit_events.data', ['selector', 'session', 'claims'])
  const ofTask = dialect.membersOf('tasks.session', ['claims'])
  return sql<boolean>`(${isThere(sql`${ofSession} where ${isIt}`)}
    or ${isThere(sql`${ofSelector} where ${isIt}`)}
    or ${isThere(sql`tasks, ${ofTask} where tasks.id = audit_events.task and ${isIt}`)})`
}

/** Whether there is such a row: not `exists`, for which PostgreSQL may read all tasks (docs/decisions/0074). */
function isThere(from: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`(select 1 from ${from} limit 1) is not null`
}

/** With the MAC of the event before, where there is one. */
function listed(tx: Tx) {
  return queries(tx)
    .selectFrom('audit_events')
    .selectAll()
    .select((e) =>
      e
        .selectFrom('audit_events as before')
        .select('before.mac')
        .where('before.seq', '=', sql<number>`audit_events.seq - 1`)
        .as('previous'),
    )
}

function fromListed(
  tx: Tx,
  row: Selectable<Schema['audit_events']> & { previous: string | null },
  first: Head,
): ListedEvent {
  const event = fromRow(row)
  const previous = event.seq === first.seq + 1 ? first.mac : (row.previous ?? '')
  const found = { ...event, previous }
  if (follows(bound(tx).seal, { seq: event.seq - 1, mac: previous }, event)) return found
  return { ...found, damaged: 'it is not as it was written' }
}

export function auditTrail(): AuditTrail {
  return {
    record(tx, event) {
      inside(tx).events.push(event)
    },
    async head(tx) {
      const row = await queries(tx).selectFrom('audit_head').selectAll().executeTakeFirst()
      return row && storedHead(row)
    },
    origin: anchor,
    async list(tx, filter, page) {
      const { limit, oldestFirst = false } = page
      const { dialect } = bound(tx).statements
      const direction = oldestFirst ? 'asc' : 'desc'
      const from = ordinalIn(page)
      const wanted = (e: ExpressionBuilder<Schema, 'audit_events'>) =>
        e.and([
          // There never was another: it was put there, and `audit verify` says so.
          e('seq', '>', oldestFirst ? Math.max(from ?? 0, 0) : 0),
          ...(oldestFirst || from === undefined ? [] : [e('seq', '<', from)]),
        ])
      // By its position and not by its number, which somebody may have set to whatever they like.
      const edge = hasIndex(filter)
        ? undefined
        : await queries(tx)
            .selectFrom('audit_events')
            .select('seq')
            .where(wanted)
            .orderBy('seq', direction)
            .offset(lookedThrough - 1)
            .limit(1)
            .executeTakeFirst()
      const rows = await listed(tx)
        .where(wanted)
        .where((e) => matching(dialect, e, filter))
        .$if(edge !== undefined, (query) => query.where('seq', oldestFirst ? '<=' : '>=', edge!.seq))
        .orderBy('seq', direction)
        .limit(limit + 1)
        .execute()
      const first = await anchor(tx)
      const { items, next } = pageOf(
        rows.map((row) => ({ ...row, ordinal: row.seq })),
        page,
        (row) => fromListed(tx, row, first),
      )
      return { items, next: next ?? (edge ? cursorAt(edge.seq) : null) }
    },
    async get(tx, seq) {
      const row = await listed(tx).where('seq', '=', seq).executeTakeFirst()
      return row && fromListed(tx, row, await anchor(tx))
    },
    async page(tx, after, limit) {
      const rows = await queries(tx)
        .selectFrom('audit_events')
        .selectAll()
        .$if(after !== undefined, (query) => query.where('seq', '>', after!))
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(fromRow)
    },
  }
}
