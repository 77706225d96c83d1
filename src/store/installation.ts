/** What belongs to the store as a whole. */
import type { KeyStore } from '../keys.ts'
import type { Tx } from '../unit.ts'
import { queries } from './transaction.ts'

/** 16 hexadecimal digits, drawn when the database was made. */
export async function installationId(tx: Tx): Promise<string> {
  return (await queries(tx).selectFrom('installation').select('id').executeTakeFirstOrThrow()).id
}

export const keys: KeyStore = {
  async federationKey(tx) {
    return await queries(tx).selectFrom('federation_keys').selectAll().executeTakeFirst()
  },
  async addFederationKey(tx, key) {
    await queries(tx).insertInto('federation_keys').values(key).execute()
  },
  async replaceFederationKey(tx, { kid, sealed }) {
    await queries(tx).updateTable('federation_keys').set({ sealed }).where('kid', '=', kid).execute()
  },
}
