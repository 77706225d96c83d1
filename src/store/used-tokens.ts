/** Keys of tokens that have opened a task, kept until the token could no longer pass. */
import type { UsedTokens } from '../identity/single-use.ts'
import { queries } from './transaction.ts'

export const usedTokens: UsedTokens = {
  async use(tx, key, until) {
    const { numInsertedOrUpdatedRows } = await queries(tx)
      .insertInto('used_tokens')
      .values({ key, until })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    return (numInsertedOrUpdatedRows ?? 0n) > 0n
  },
  async forget(tx, before) {
    const { numDeletedRows } = await queries(tx)
      .deleteFrom('used_tokens')
      .where('until', '<=', before)
      .executeTakeFirst()
    return Number(numDeletedRows)
  },
}
