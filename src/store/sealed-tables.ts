/** The tables that grant: each of their rows is under a MAC over all its columns (docs/decisions/0012). */
import { openStatuses } from '../tasks/task.ts'
import { isAmong } from './columns.ts'
import type { Schema } from './schema.ts'
import type { StoredRow } from './statements.ts'

interface Sealing {
  /** The column that addresses a row: it is unique, and never changes. */
  key: string
  /** Whether such a change lets anyone have what they did not have. `before` is undefined for a new row. */
  grants?: (before: StoredRow | undefined, after: StoredRow) => boolean
  /** The tasks that have to be open for that, where they are in the store already: their ids. */
  standsOn?: (row: StoredRow) => unknown[]
  /** Whether its rows keep somebody out: of a damaged one nobody can tell whom, so it is as good as missing. */
  keepsOut?: boolean
  /**
   * What becomes of a damaged row when the store is accepted as it stands. Kept, it stays
   * damaged; trusted, it can only keep out.
   */
  accepted: 'kept' | 'trusted' | 'removed'
  /** All columns, where they are so few that a row is written as a whole, in place of the one that is there or not. */
  whole?: readonly string[]
  /** Rows that must be under a key that is configured, where not all must: SQL. */
  current?: string
  /**
   * The rows that are summed up by themselves too, so that they can be counted without reading all
   * that is over; `columns` are those by which they are told.
   */
  open?: { sql: string; columns: string; holds: (row: StoredRow) => boolean }
}

/** SQL: the task is open. */
export const openTaskSql = `status in (${openStatuses.map((status) => `'${status}'`).join()})`

/** SQL: something is still to be done with the lease. */
const unsettledSql = 'due_at is not null'

/** In the order in which they are looked through. */
const sealings = {
  fences: { key: 'ordinal', keepsOut: true, accepted: 'trusted' },
  installation: { key: 'id', accepted: 'removed' },
  federation_keys: { key: 'kid', accepted: 'removed' },
  idempotency: { key: 'key', accepted: 'removed' },
  used_tokens: { key: 'key', keepsOut: true, accepted: 'trusted' },
  delegations: {
    key: 'hash',
    accepted: 'removed',
    grants: (before) => before === undefined,
    standsOn: ({ task }) => [task],
  },
  counts: { key: 'key', accepted: 'removed', whole: ['key', 'value', 'row_mac'] },
  cursors: { key: 'name', accepted: 'removed' },
  brokers: { key: 'id', accepted: 'removed' },
  tasks: {
    key: 'ordinal',
    accepted: 'kept',
    grants: (before, after) =>
      isAmong(openStatuses, after['status']) &&
      (before?.['status'] !== after['status'] || before?.['token_hash'] !== after['token_hash']),
    standsOn: ({ id, parent }) => [id, parent],
    current: openTaskSql,
    open: {
      sql: openTaskSql,
      columns: 'status',
      holds: (row) => isAmong(openStatuses, row['status']),
    },
  },
  leases: {
    key: 'ordinal',
    accepted: 'kept',
    current: unsettledSql,
    open: { sql: unsettledSql, columns: 'due_at', holds: (row) => row['due_at'] !== null },
    grants: (before, after) =>
      before === undefined || (after['status'] === 'active' && before['status'] !== 'active'),
    standsOn: ({ task }) => [task],
  },
  approvals: {
    key: 'ordinal',
    accepted: 'kept',
    current: `task in (select id from tasks where ${openTaskSql})`,
  },
} as const satisfies { [Table in keyof Schema]?: Sealing }

export type SealedTable = keyof typeof sealings

export const sealedTables = Object.keys(sealings) as SealedTable[]

/** Tables in which there are rows that are over, by far the most of them. */
export const keepsTheOver: readonly string[] = ['tasks', 'leases', 'approvals'] satisfies SealedTable[]

export function sealingOf(table: SealedTable): Sealing {
  return sealings[table]
}

export function isOpen(table: SealedTable, row: StoredRow): boolean {
  return sealingOf(table).open?.holds(row) ?? false
}

/** What a row is called towards people. */
export function nameOf(table: SealedTable, row: StoredRow): string {
  return String(row['id'] ?? row[sealingOf(table).key])
}
