/** A lease and its row: what the one says in the other's words. */
import type { Selectable } from 'kysely'
import { z } from 'zod'
import {
  type Lease,
  type LeaseChange,
  leaseFoundBy,
  leaseStatuses,
  type StoredLease,
} from '../leases/lease.ts'
import { classes, revocations } from '../provider/terms.ts'
import { evidenceResults } from '../provider/upstream.ts'
import { storedAs } from '../base/damage.ts'
import type { Tx } from '../base/unit.ts'
import { isTime } from './columns.ts'
import type { Schema } from './schema.ts'
import { assignedHere, isElsewhere } from './assignment.ts'
import { rowsIn } from './transaction.ts'

export type LeaseRow = Selectable<Schema['leases']>

const classList = z.array(z.enum(classes))
const evidence = z.object({
  result: z.enum(evidenceResults),
  method: z.string(),
  at: z.number().refine(isTime),
})
/** As much as every provider's detail has in common. */
const detail = z.object({})

/** A row that someone damaged is handed on as such, with what can still be read. */
export function toLease(tx: Tx, row: LeaseRow): StoredLease {
  const read = rowsIn(tx).read('leases', row)
  const lease: Lease = {
    id: read.text('id'),
    task: read.text('task'),
    agent: read.text('agent'),
    owner: read.text('owner'),
    issuer: read.text('issuer'),
    identity: read.text('identity'),
    provider: read.text('provider'),
    connection: read.text('connection'),
    upstream: read.text('upstream'),
    slot: read.optionalText('slot'),
    status: read.oneOf('status', leaseStatuses, 'irrevocable'),
    detail: read.json('detail', detail, {}),
    classes: read.json('classes', classList, []),
    revocation: read.oneOf('revocation', revocations, 'immediate'),
    createdAt: read.time('created_at'),
    deadline: read.time('deadline'),
    upstreamExpiresAt: read.optionalTime('upstream_expires_at'),
    standsUntil: read.optionalTime('stands_until'),
    liveUntil: read.optionalTime('live_until'),
    endedAt: read.optionalTime('ended_at'),
    fingerprint: read.optionalText('fingerprint'),
    evidence: row.evidence === null ? null : read.json('evidence', evidence.nullable(), null),
    secretHash: read.optionalText('secret_hash'),
    // What is no handle opens none, and is told of as such; no handle at all would mean that none was minted.
    handle: row.handle === null ? null : read.text('handle'),
    dueAt: read.optionalTime('due_at'),
    attempts: read.count('attempts'),
    failingSince: read.optionalTime('failing_since'),
    ...(isElsewhere(tx, row) && { elsewhere: true as const }),
  }
  return storedAs(lease, read.damage, leaseFoundBy)
}

/** What changes, in the names of its columns. */
export function toColumns(change: LeaseChange): Partial<LeaseRow> {
  const names = {
    deadline: 'deadline',
    upstreamExpiresAt: 'upstream_expires_at',
    standsUntil: 'stands_until',
    liveUntil: 'live_until',
    endedAt: 'ended_at',
    fingerprint: 'fingerprint',
    evidence: 'evidence',
    secretHash: 'secret_hash',
    handle: 'handle',
    dueAt: 'due_at',
    attempts: 'attempts',
    failingSince: 'failing_since',
  } as const satisfies Record<keyof LeaseChange, keyof LeaseRow>
  const { evidence: found } = change
  const values = { ...change, ...(found && { evidence: JSON.stringify(found) }) }
  return Object.fromEntries(
    Object.entries(values).map(([member, value]) => [names[member as keyof LeaseChange], value]),
  )
}

/** Changes the row. Whoever says when it is due deals with it then. */
export async function changeLease(tx: Tx, row: LeaseRow, change: Partial<LeaseRow>): Promise<void> {
  const { due_at: dueAt = null } = change
  const mine = dueAt !== null && dueAt !== row.due_at && assignedHere(tx)
  await rowsIn(tx).change('leases', row, { ...change, ...mine })
}
