/** Opening the store that a configuration names, whichever engine it has. */
import type { Seal } from '../base/seal.ts'
import type { StoreAddress } from './address.ts'
import type { OpenStore, OwnStore, StoreOptions } from './own-store.ts'
import { openPostgres, openPostgresReadOnly } from './postgres.ts'
import { openSqlite, openSqliteReadOnly } from './sqlite.ts'

/** @throws StoreInUse; Error when it cannot be opened, or is of a newer version. */
export async function openStore(address: StoreAddress, seal: Seal, options: StoreOptions): Promise<OwnStore> {
  if (address.kind === 'sqlite') return await openSqlite(address.path, seal, options)
  return await openPostgres(address, seal, options)
}

/**
 * Opens it for reading only, beside a running broker or without one.
 *
 * @throws Error when it does not exist, or is of another version.
 */
export async function openStoreReadOnly(address: StoreAddress, seal: Seal): Promise<OpenStore> {
  if (address.kind === 'sqlite') return await openSqliteReadOnly(address.path, seal)
  return await openPostgresReadOnly(address, seal)
}
