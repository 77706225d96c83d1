/** What was handed on to other agents, as rows. */
import { storedAs } from '../base/damage.ts'
import type { DelegationStore } from '../tasks/delegation.ts'
import { scopeText } from './tasks.ts'
import { queries, rowsIn } from './transaction.ts'

/** Forgotten in one transaction: everybody else's work waits for it. */
const forgottenAtOnce = 500

export const delegations: DelegationStore = {
  async insert(tx, { id, hash, task, agent, scope, ttl, until, usedBy }) {
    await rowsIn(tx).insert('delegations', {
      hash,
      id,
      task,
      agent,
      scope: JSON.stringify(scope),
      ttl,
      until,
      used_by: usedBy,
    })
  },

  async get(tx, hash) {
    const row = await rowsIn(tx).one('delegations', 'hash', hash)
    if (!row) return undefined
    const read = rowsIn(tx).read('delegations', row)
    const delegation = {
      id: read.text('id'),
      hash: read.text('hash'),
      task: read.text('task'),
      agent: read.text('agent'),
      scope: read.json('scope', scopeText, []),
      ttl: row.ttl === null ? null : read.count('ttl'),
      until: read.time('until'),
      usedBy: read.optionalText('used_by'),
    }
    return storedAs(delegation, read.damage, [])
  },

  async use(tx, hash, task) {
    const row = await rowsIn(tx).one('delegations', 'hash', hash)
    if (row) await rowsIn(tx).change('delegations', row, { used_by: task })
  },

  async forget(tx, before) {
    const rows = await queries(tx)
      .selectFrom('delegations')
      .selectAll()
      .where('until', '<', before)
      .orderBy('until')
      .limit(forgottenAtOnce)
      .execute()
    const over = rows.filter((row) => rowsIn(tx).isGenuine('delegations', row))
    for (const row of over) await rowsIn(tx).remove('delegations', row)
    return over.length
  },
}
