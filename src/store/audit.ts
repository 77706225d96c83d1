/** The audit chain's rows. */
import { type Selectable, sql } from 'kysely'
import { follows, originOf } from '../audit/chain.ts'
import type { AuditTrail, ChainedEvent, Head, ListedEvent } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import { isTime } from './columns.ts'
import { openHead, storedHead } from './head.ts'
import { before, pageOf } from './paging.ts'
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

/** What stands behind the opaque state of the stored head. */
async function origin(tx: Tx): Promise<Head> {
  const { seal, installation } = bound(tx)
  const rows = await queries(tx).selectFrom('audit_head').selectAll().execute()
  return openHead(rows, seal)?.state?.origin ?? originOf(installation)
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
    origin,
    async list(tx, filter, page) {
      const { seal } = bound(tx)
      const first = await origin(tx)
      const rows = await queries(tx)
        .selectFrom('audit_events')
        .selectAll()
        .select((e) =>
          e
            .selectFrom('audit_events as before')
            .select('before.mac')
            .where('before.seq', '=', sql<number>`audit_events.seq - 1`)
            .as('previous'),
        )
        .where((e) => e.and(filter))
        .where('seq', '<', before(page))
        // There never was another: it was put there, and \`audit verify\` says so.
        .where('seq', '>', 0)
        .orderBy('seq', 'desc')
        .limit(page.limit + 1)
        .execute()
      return pageOf(
        rows.map((row) => ({ ...row, ordinal: row.seq })),
        page,
        (row): ListedEvent => {
          const event = fromRow(row)
          const previous = { seq: event.seq - 1, mac: event.seq === 1 ? first.mac : (row.previous ?? '') }
          return follows(seal, previous, event) ? event : { ...event, damaged: 'it is not as it was written' }
        },
      )
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
