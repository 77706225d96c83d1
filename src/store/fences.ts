/** Fences as rows. */
import { canonicalize } from '../base/canonical.ts'
import type { Selectable } from 'kysely'
import { z } from 'zod'
import {
  type Fence,
  type FenceFilter,
  fenceFoundBy,
  type StoredFence,
  type FenceSelector,
  type FenceStore,
  kindOf,
} from '../agents/fence.ts'
import { storedAs } from '../base/damage.ts'
import type { Tx } from '../base/unit.ts'
import { newestFirst } from './paging.ts'
import type { Schema } from './schema.ts'
import { queries, rowsIn } from './transaction.ts'

const texts = z.record(z.string(), z.string()).refine((claims) => Object.keys(claims).length > 0)
const selector: z.ZodType<FenceSelector> = z.union([
  z.strictObject({ session: z.strictObject({ issuer: z.string(), claims: texts }) }),
  z.strictObject({ agent: z.string() }),
  z.strictObject({ owner: z.string() }),
  z.strictObject({ issuer: z.string() }),
  z.strictObject({ provider: z.string() }),
  z.strictObject({ claim: z.strictObject({ issuer: z.string(), name: z.string(), value: z.string() }) }),
  z.strictObject({ all: z.literal(true) }),
])
const names = z.array(z.string())

/** A row that someone damaged keeps out whomever its key finds. */
function fromRow(tx: Tx, row: Selectable<Schema['fences']>): StoredFence {
  const read = rowsIn(tx).read('fences', row)
  const fence: Fence = {
    id: read.text('id'),
    selector: read.json('selector', selector, { all: true }),
    agents: read.json('agents', names, []),
    reason: read.text('reason'),
    by: read.text('by'),
    at: read.time('at'),
    until: read.optionalTime('until'),
  }
  return storedAs(fence, read.damage, fenceFoundBy)
}

function filtered(tx: Tx, filter: FenceFilter) {
  return queries(tx)
    .selectFrom('fences')
    .selectAll()
    .where((e) => e.and(filter))
}

export const fences: FenceStore = {
  async insert(tx, fence, key) {
    await rowsIn(tx).insert('fences', {
      id: fence.id,
      kind: kindOf(fence.selector),
      selector: canonicalize(fence.selector),
      key,
      agents: JSON.stringify(fence.agents),
      reason: fence.reason,
      by: fence.by,
      at: fence.at,
      until: fence.until,
    })
  },

  async get(tx, id) {
    const row = await rowsIn(tx).one('fences', 'id', id)
    return row && fromRow(tx, row)
  },

  async any(tx) {
    return await rowsIn(tx).any('fences')
  },

  async byKeys(tx, keys) {
    const condition = `key in (${keys.map(() => '?').join()}) order by ordinal`
    const rows = await rowsIn(tx).where('fences', condition, keys)
    return rows.map((row) => fromRow(tx, row))
  },

  async find(tx, filter) {
    return (await filtered(tx, filter).orderBy('ordinal').execute()).map((row) => fromRow(tx, row))
  },

  async list(tx, filter, page) {
    return await newestFirst(filtered(tx, filter), page, (row) => fromRow(tx, row))
  },

  async countByKind(tx, now) {
    return await queries(tx)
      .selectFrom('fences')
      .select(['kind', (e) => e.fn.countAll<number>().as('count')])
      .where((e) => e.or([e('until', 'is', null), e('until', '>', now)]))
      .groupBy('kind')
      .execute()
  },

  async remove(tx, id) {
    const row = await rowsIn(tx).one('fences', 'id', id)
    if (row) await rowsIn(tx).remove('fences', row)
    return row !== undefined
  },
}
