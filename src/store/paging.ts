/** Cursors: the ordinal of the last row of a page, opaque to the caller. */
import { BrokerError } from '../base/errors.ts'
import type { Page, PageRequest } from '../base/page.ts'

/** The ordinal before which the page begins. @throws BrokerError `invalid_request` for a cursor that is not ours. */
export function before({ cursor }: PageRequest): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER
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
  return {
    items: items.map(read),
    next: last ? Buffer.from(String(last.ordinal)).toString('base64url') : null,
  }
}
