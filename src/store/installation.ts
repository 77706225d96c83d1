/** The installation's id and the federation keys, as rows. */
import type { FederationKeyStore } from '../federation/federation.ts'
import type { Tx } from '../base/unit.ts'
import { bound, queries, rowsIn } from './transaction.ts'

/** 16 hexadecimal digits, drawn when the database was made. */
export async function installationId(tx: Tx): Promise<string> {
  return bound(tx).installation
}

export const federationKeys: FederationKeyStore = {
  async current(tx) {
    return await queries(tx).selectFrom('federation_keys').selectAll().executeTakeFirst()
  },
  async add(tx, key) {
    await rowsIn(tx).insert('federation_keys', key)
  },
  async replace(tx, { kid, sealed }) {
    const row = await rowsIn(tx).one('federation_keys', 'kid', kid)
    if (row) await rowsIn(tx).change('federation_keys', row, { sealed })
  },
  async sealKeysInUse(tx) {
    return rowsIn(tx).keys()
  },
}
