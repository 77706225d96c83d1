/** What idempotency keys stand for, as rows. */
import { storedAs } from '../base/damage.ts'
import type { IdempotencyStore } from '../tasks/idempotency.ts'
import { queries, rowsIn } from './transaction.ts'

/** Forgotten in one transaction: everybody else's work waits for it. */
const forgottenAtOnce = 500

export const idempotency: IdempotencyStore = {
  async get(tx, key) {
    const row = await rowsIn(tx).one('idempotency', 'key', key)
    if (!row) return undefined
    const read = rowsIn(tx).read('idempotency', row)
    const remembered = {
      key: read.text('key'),
      digest: read.text('digest'),
      task: read.text('task'),
      lease: read.optionalText('lease'),
      until: read.time('until'),
    }
    return storedAs(remembered, read.damage, [])
  },
  async put(tx, { key, digest, task, lease, until }) {
    const row = await rowsIn(tx).one('idempotency', 'key', key)
    if (row) await rowsIn(tx).change('idempotency', row, { lease, until })
    else await rowsIn(tx).insert('idempotency', { key, digest, task, lease, until })
  },
  async forget(tx, before) {
    const rows = await queries(tx)
      .selectFrom('idempotency')
      .selectAll()
      .where('until', '<', before)
      .orderBy('until')
      .limit(forgottenAtOnce)
      .execute()
    const over = rows.filter((row) => rowsIn(tx).isGenuine('idempotency', row))
    for (const row of over) await rowsIn(tx).remove('idempotency', row)
    return over.length
  },
}
