/** Keys of tokens that have opened a task, kept until the token could no longer pass. */
import type { UsedTokens } from '../identity/single-use.ts'
import { queries, rowsIn } from './transaction.ts'

/** Forgotten in one transaction: everybody else's work waits for it. */
const forgottenAtOnce = 500

export const usedTokens: UsedTokens = {
  async use(tx, key, until) {
    // Whoever wrote the row: one that somebody else put there or changed can only refuse.
    if (await rowsIn(tx).one('used_tokens', 'key', key)) return false
    await rowsIn(tx).insert('used_tokens', { key, until })
    return true
  },
  async forget(tx, before) {
    const rows = await queries(tx)
      .selectFrom('used_tokens')
      .selectAll()
      .where('until', '<=', before)
      .orderBy('until')
      .limit(forgottenAtOnce)
      .execute()
    // Of an altered one nobody knows until when it was to be kept.
    const over = rows.filter((row) => rowsIn(tx).isGenuine('used_tokens', row))
    for (const row of over) await rowsIn(tx).remove('used_tokens', row)
    return over.length
  },
}
