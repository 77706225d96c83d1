/** The audit chain's rows. */
import type { Kysely, Selectable } from 'kysely'
import { link, origin, sealHead } from '../audit/chain.ts'
import type { AuditEvent, AuditTrail, ChainedEvent } from '../audit/event.ts'
import type { Seal } from '../seal.ts'
import { isTime } from './columns.ts'
import { before, pageOf } from './paging.ts'
import type { Schema } from './schema.ts'
import { inside, queries } from './transaction.ts'

/** SQLite takes at most 32,766 parameters a statement; an event has thirteen. */
const rowsPerInsert = 500

/** Chains the events of one commit behind the stored head, in one step however many there are. */
export async function appendEvents(
  db: Kysely<Schema>,
  seal: Seal,
  events: readonly AuditEvent[],
): Promise<void> {
  if (events.length === 0) return
  const head = await db.selectFrom('audit_head').select(['seq', 'mac']).executeTakeFirst()
  const chained = link(seal, head ?? origin, events)
  for (let from = 0; from < chained.length; from += rowsPerInsert)
    await db
      .insertInto('audit_events')
      .values(chained.slice(from, from + rowsPerInsert).map(toRow))
      .execute()
  const { seq, mac } = chained.at(-1)!
  const sealed = sealHead(seal, { seq, mac })
  const row = { seq, mac, key: sealed.key, head_mac: sealed.mac }
  await db
    .insertInto('audit_head')
    .values({ id: 1, ...row })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
}

function toRow(event: ChainedEvent): Schema['audit_events'] {
  return {
    seq: event.seq,
    at: event.at,
    type: event.type,
    actor: event.actor,
    agent: event.agent ?? null,
    owner: event.owner ?? null,
    task: event.task ?? null,
    lease: event.lease ?? null,
    status: event.status ?? null,
    data: event.data === undefined ? null : JSON.stringify(event.data),
    request: event.request ?? null,
    key: event.key,
    mac: event.mac,
  }
}

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

function parsed(data: string): Record<string, unknown> {
  try {
    return JSON.parse(data) as Record<string, unknown>
  } catch {
    return { unreadable: data }
  }
}

export function auditTrail(): AuditTrail {
  return {
    record(tx, event) {
      inside(tx).events.push(event)
    },
    async head(tx) {
      const row = await queries(tx).selectFrom('audit_head').selectAll().executeTakeFirst()
      return row && { seq: row.seq, mac: row.mac, key: row.key, headMac: row.head_mac }
    },
    async list(tx, filter, page) {
      const rows = await queries(tx)
        .selectFrom('audit_events')
        .selectAll()
        .where((e) => e.and(filter))
        .where('seq', '<', before(page))
        .orderBy('seq', 'desc')
        .limit(page.limit + 1)
        .execute()
      return pageOf(
        rows.map((row) => ({ ...row, ordinal: row.seq })),
        page,
        fromRow,
      )
    },
    async page(tx, after, limit) {
      const rows = await queries(tx)
        .selectFrom('audit_events')
        .selectAll()
        .where('seq', '>', after)
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(fromRow)
    },
  }
}
