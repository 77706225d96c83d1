/** Approvals as rows. */
import type { Selectable } from 'kysely'
import { z } from 'zod'
import { storedAs } from '../base/damage.ts'
import {
  approvalFoundBy,
  approvalStatuses,
  type ApprovalStore,
  type StoredApproval,
} from '../tasks/approval.ts'
import type { Tx } from '../base/unit.ts'
import { isOwned } from './owned.ts'
import { newestFirst } from './paging.ts'
import type { Schema } from './schema.ts'
import { queries, rowsIn } from './transaction.ts'

const askingPolicies = z.array(z.object({ id: z.string(), description: z.string().nullable() }))

function fromRow(tx: Tx, row: Selectable<Schema['approvals']>): StoredApproval {
  const read = rowsIn(tx).read('approvals', row)
  const approval = {
    id: read.text('id'),
    task: read.text('task'),
    group: read.text('group'),
    digest: read.text('digest'),
    status: read.oneOf('status', approvalStatuses, 'expired'),
    createdAt: read.time('created_at'),
  }
  const policies = row.policies === null ? undefined : read.json('policies', askingPolicies, [])
  const [by, at, mac, key] = [
    read.optionalText('by'),
    read.optionalTime('at'),
    read.optionalText('mac'),
    read.optionalText('mac_key'),
  ]
  const reason = read.optionalText('reason')
  const unanswered = by === null || at === null || mac === null || key === null
  const asked = { ...approval, ...(policies && { policies }) }
  if (read.damage !== undefined)
    return storedAs({ ...asked, status: 'expired', settled: null }, read.damage, approvalFoundBy)
  return { ...asked, settled: unanswered ? null : { by, at, reason, mac, key } }
}

export const approvals: ApprovalStore = {
  async insert(tx, { id, task, group, digest, policies, status, createdAt }) {
    await rowsIn(tx).insert('approvals', {
      id,
      task,
      group,
      digest,
      policies: policies === undefined ? null : JSON.stringify(policies),
      status,
      created_at: createdAt,
    })
  },

  async get(tx, id) {
    const row = await rowsIn(tx).one('approvals', 'id', id)
    return row && fromRow(tx, row)
  },

  async ofTask(tx, task) {
    return (await ofTask(tx, task)).map((row) => fromRow(tx, row))
  },

  async list(tx, { agent, owner, ownersAgents, ...filter }, page) {
    const theirs = queries(tx)
      .selectFrom('tasks')
      .select('id')
      .$if(agent !== undefined, (query) => query.where('agent', '=', agent!))
      .$if(owner !== undefined, (query) => query.where(isOwned(owner!, ownersAgents)))
    const asked = queries(tx)
      .selectFrom('approvals')
      .selectAll()
      .where((e) => e.and(filter))
      .$if((agent ?? owner) !== undefined, (query) => query.where('task', 'in', theirs))
    return await newestFirst(asked, page, (row) => fromRow(tx, row))
  },

  async settle(tx, id, status, { by, at, reason, mac, key }) {
    const row = await rowsIn(tx).one('approvals', 'id', id)
    if (row?.status !== 'pending') return false
    await rowsIn(tx).change('approvals', row, { status, by, at, reason, mac, mac_key: key })
    return true
  },

  async expire(tx, task) {
    for (const row of await ofTask(tx, task))
      if (row.status === 'pending') await rowsIn(tx).change('approvals', row, { status: 'expired' })
  },
}

async function ofTask(tx: Tx, task: string) {
  return await rowsIn(tx).found('approvals', task)
}
