/** What a configuration must still have: whatever revoking, and keeping revoked, needs. */
import type { KeyStore } from '../keys.ts'
import type { Connections } from '../leases/connections.ts'
import type { LeaseStore } from '../leases/lease.ts'
import type { Seal } from '../seal.ts'
import type { Tx } from '../unit.ts'

/**
 * Why leases could not be revoked, or kept so, under these connections and seal keys, one
 * sentence for each cause; empty when all can.
 */
export async function stranded(
  tx: Tx,
  given: { leases: LeaseStore; keys: KeyStore; connections: Connections; seal: Seal },
): Promise<string[]> {
  const causes = new Set<string>()
  const needSealKey = (sealed: string | undefined, what: string) => {
    const [id] = sealed?.split('.', 1) ?? []
    if (id !== undefined && !given.seal.has(id))
      causes.add(`${what} sealed with the key ${id}: keep it under \`seal.keys\`, after the new one`)
  }
  // Without it the broker could not log in to an upstream that trusts it, not even to revoke.
  needSealKey((await given.keys.federationKey(tx))?.sealed, 'the federation key is')
  for (const lease of await given.leases.unsettled(tx)) {
    if (lease.damaged !== undefined) continue
    if (!given.connections.get(lease.provider, lease.connection))
      causes.add(
        `live leases still need the ${lease.provider} connection ${lease.connection}: keep it, with \`retired: true\` to mint nothing more`,
      )
    needSealKey(lease.handle ?? undefined, 'live leases are')
  }
  return [...causes]
}
