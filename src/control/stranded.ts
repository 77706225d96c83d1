/** What a configuration must still have: whatever a lease needs to be revoked, or to be kept revoked. */
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
  given: { leases: LeaseStore; connections: Connections; seal: Seal },
): Promise<string[]> {
  const causes = new Set<string>()
  for (const lease of await given.leases.unsettled(tx)) {
    if (lease.damaged !== undefined) continue
    if (!given.connections.get(lease.provider, lease.connection))
      causes.add(
        `live leases still need the ${lease.provider} connection ${lease.connection}: keep it, with \`retired: true\` to mint nothing more`,
      )
    const [keyId] = lease.handle?.split('.', 1) ?? []
    if (keyId !== undefined && !given.seal.has(keyId))
      causes.add(
        `live leases are sealed with the key ${keyId}: keep it under \`seal.keys\`, after the new one`,
      )
  }
  return [...causes]
}
