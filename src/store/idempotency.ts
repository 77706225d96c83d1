/** What idempotency keys stand for, as rows. */
import type { IdempotencyStore } from '../tasks/idempotency.ts'
import { queries } from './transaction.ts'

export const idempotency: IdempotencyStore = {
  async get(tx, key) {
    return await queries(tx).selectFrom('idempotency').selectAll().where('key', '=', key).executeTakeFirst()
  },
  async put(tx, remembered) {
    const { lease, until } = remembered
    await queries(tx)
      .insertInto('idempotency')
      .values(remembered)
      .onConflict((conflict) => conflict.column('key').doUpdateSet({ lease, until }))
      .execute()
  },
  async forget(tx, before) {
    const { numDeletedRows } = await queries(tx)
      .deleteFrom('idempotency')
      .where('until', '<', before)
      .executeTakeFirst()
    return Number(numDeletedRows)
  },
}
