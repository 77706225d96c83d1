/** Cursors: the ordinal of the last row of a page, opaque to the caller. */
import { BrokerError } from '../base/errors.ts'
import { type SelectQueryBuilder, sql } from 'kysely'
import type { Page, PageRequest } from '../base/page.ts'
import type { Schema } from './schema.ts'

/** A page of what `query` selects, the newest rows first. @throws BrokerError `invalid_request` for a cursor that is not ours. */
export async function newestFirst<Row extends { ordinal: number }, Item>(
  query: SelectQueryBuilder<Schema, keyof Schema, Row>,
  page: PageRequest,
  read: (row: Row) => Item,
): Promise<Page<Item>> {
  const ordinal = sql.ref<number>('ordinal')
  const rows = await query
    .where(ordinal, '<', before(page))
    .orderBy(ordinal, 'desc')
    .limit(page.limit + 1)
    .execute()
  return pageOf(rows as Row[], page, read)
}

/** The ordinal before which the page begins. @throws BrokerError `invalid_request` for a cursor that is not ours. */
export function before(page: PageRequest): number {
  return ordinalIn(page) ?? Number.MAX_SAFE_INTEGER
}

/** The ordinal that the page goes on at; undefined for the first. @throws BrokerError `invalid_request` */
export function ordinalIn({ cursor }: PageRequest): number | undefined {
  if (cursor === undefined) return undefined
  const ordinal = /^[A-Za-z0-9_-]{1,24}$/.test(cursor)
    ? Number(Buffer.from(cursor, 'base64url').toString())
    : Number.NaN
  if (!Number.isSafeInteger(ordinal))
    throw new BrokerError('invalid_request', 'cursor: this is not from a list here')
  return ordinal
}

/** A page of `rows`, of which one more than the limit was asked. */
export function pageOf<Row extends { ordinal: number }, Item>(
  rows: Row[],
  { limit }: PageRequest,
  read: (row: Row) => Item,
): Page<Item> {
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  return { items: items.map(read), next: last ? cursorAt(last.ordinal) : null }
}

export function cursorAt(ordinal: number): string {
  return Buffer.from(String(ordinal)).toString('base64url')
}
