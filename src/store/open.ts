/** Which store a configuration means. */
import type { AuditEvent } from '../audit/event.ts'
import type { Configuration } from '../config.ts'
import type { Seal } from '../seal.ts'
import { openSqlite, type OpenStore } from './sqlite.ts'

/** `committed` hears of every commit's events. @throws Error when it cannot be opened, is another broker's, or is of a newer version. */
export async function openStore(
  store: Configuration['store'],
  seal: Seal,
  committed?: (events: readonly AuditEvent[]) => void,
): Promise<OpenStore> {
  if (store.kind === 'sqlite') return await openSqlite(store.path, seal, committed)
  throw new Error('PostgreSQL is not supported by this version; use `store: sqlite:PATH`')
}
