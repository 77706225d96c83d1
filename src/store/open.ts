/** Which store a configuration means. */
import type { Configuration } from '../config/load.ts'
import type { Seal } from '../base/seal.ts'
import { openSqlite, type OwnStore, type StoreOptions } from './sqlite.ts'

/** @throws Error when it cannot be opened, is another broker's, or is of a newer version. */
export async function openStore(
  store: Configuration['store'],
  seal: Seal,
  options: StoreOptions,
): Promise<OwnStore> {
  if (store.kind === 'sqlite') return await openSqlite(store.path, seal, options)
  throw new Error('PostgreSQL is not supported by this version; use `store: sqlite:PATH`')
}
