/** Suspended agents as rows. */
import type { SuspensionStore } from '../agents/suspension.ts'
import { queries } from './transaction.ts'

export const suspensions: SuspensionStore = {
  async get(tx, agent) {
    return await queries(tx)
      .selectFrom('suspensions')
      .selectAll()
      .where('agent', '=', agent)
      .executeTakeFirst()
  },
  async all(tx) {
    return await queries(tx).selectFrom('suspensions').selectAll().execute()
  },
  async put(tx, suspension) {
    await queries(tx)
      .insertInto('suspensions')
      .values(suspension)
      .onConflict((conflict) => conflict.column('agent').doNothing())
      .execute()
  },
  async remove(tx, agent) {
    const { numDeletedRows } = await queries(tx)
      .deleteFrom('suspensions')
      .where('agent', '=', agent)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
}
