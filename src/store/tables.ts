/** The tables as verification holds them against the audit events. */
import type { Tables } from '../audit/verify.ts'
import { queries } from './transaction.ts'

export const tables: Tables = {
  async states(tx) {
    const tasks = await queries(tx).selectFrom('tasks').select(['id', 'status']).execute()
    const leases = await queries(tx).selectFrom('leases').select(['id', 'status']).execute()
    return [...tasks, ...leases]
  },
  async sealed(tx) {
    const rows = await queries(tx)
      .selectFrom('leases')
      .select(['id', 'handle'])
      .where('handle', 'is not', null)
      .execute()
    return rows.map(({ id, handle }) => ({
      place: { table: 'leases', column: 'handle', row: id },
      value: handle!,
    }))
  },
}
