/** What the first event of the record follows. */
import { originOf } from '../audit/chain.ts'
import type { Head } from '../audit/event.ts'
import type { Tx } from '../base/unit.ts'
import { openHead } from './head.ts'
import { bound, queries, rowsIn } from './transaction.ts'

/** Where the record begins whose older events were pruned: a row under a MAC, like all that is relied on. */
export const anchorName = 'record begins behind'

/**
 * What the first event follows: the last that was pruned, or what stands behind the opaque state of
 * the stored head.
 */
export async function anchor(tx: Tx): Promise<Head> {
  const row = await rowsIn(tx).one('cursors', 'name', anchorName)
  if (row && row.mac !== null && rowsIn(tx).isGenuine('cursors', row)) return { seq: row.seq, mac: row.mac }
  const { seal, installation } = bound(tx)
  const rows = await queries(tx).selectFrom('audit_head').selectAll().execute()
  return openHead(rows, seal)?.state?.origin ?? originOf(installation)
}

export async function putAnchor(tx: Tx, { seq, mac }: Head): Promise<void> {
  const row = await rowsIn(tx).one('cursors', 'name', anchorName)
  if (row) await rowsIn(tx).change('cursors', row, { seq, mac })
  else await rowsIn(tx).insert('cursors', { name: anchorName, seq, mac })
}
