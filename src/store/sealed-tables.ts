/** The tables that grant: each of their rows is under a MAC over all its columns (docs/decisions/0012-row-macs.md). */
import type { Schema } from './schema.ts'

/** By table, the column that addresses a row: it is unique, and never changes. */
const keys = {
  tasks: 'ordinal',
  approvals: 'ordinal',
  leases: 'ordinal',
  fences: 'ordinal',
  idempotency: 'key',
  installation: 'id',
  federation_keys: 'kid',
  used_tokens: 'key',
} as const satisfies { [Table in keyof Schema]?: keyof Schema[Table] }

export type SealedTable = keyof typeof keys

export const sealedTables = Object.keys(keys) as SealedTable[]

export function keyOf(table: SealedTable): string {
  return keys[table]
}
