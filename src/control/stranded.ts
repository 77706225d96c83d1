/** What a configuration must still have: whatever revoking, and keeping revoked, needs. */
import type { AuditTrail } from '../audit/event.ts'
import type { KeyStore } from '../keys.ts'
import type { Connections } from '../leases/connections.ts'
import type { Lease, LeaseStore } from '../leases/lease.ts'
import { keyOf, type Seal } from '../seal.ts'
import type { Tx } from '../unit.ts'

/**
 * Why leases could not be revoked, or kept so, under these connections and seal keys, one
 * sentence for each cause; empty when all can. No configuration can help a row that is
 * damaged, so none is asked for it: it must not keep the broker from ending the others.
 */
export async function stranded(
  tx: Tx,
  given: {
    leases: LeaseStore
    audit: AuditTrail
    keys: KeyStore
    connections: Connections
    seal: Seal
  },
): Promise<string[]> {
  const causes = new Set<string>()
  const needSealKey = (sealed: string | undefined, what: string) => {
    const id = sealed === undefined ? undefined : keyOf(sealed)
    if (id !== undefined && !given.seal.has(id))
      causes.add(`${what} sealed with the key ${id}: keep it under \`seal.keys\`, after the new one`)
  }
  // Without it the broker could not log in to an upstream that trusts it, not even to revoke.
  needSealKey((await given.keys.federationKey(tx))?.sealed, 'the federation key is')
  for (const lease of await given.leases.unsettled(tx)) {
    if (lease.damaged !== undefined) continue
    needSealKey(lease.handle ?? undefined, 'live leases are')
    const need = needOf(given.connections, lease)
    if (need === undefined) continue
    const cause = `live leases still need ${need}: keep it, with \`retired: true\` to mint nothing more`
    if (!causes.has(cause) && (await isOnRecord(tx, given.audit, lease))) causes.add(cause)
  }
  return [...causes]
}

/** What revoking the lease takes and these connections lack. */
function needOf(connections: Connections, lease: Lease): string | undefined {
  const named = `the ${lease.provider} connection ${lease.connection}`
  if (!connections.get(lease.provider, lease.connection)) return named
  const entry = connections.of(lease)
  if (!entry) return `${named} as it was, leading to ${lease.upstream}`
  const lacking = entry.connection.lacks?.(lease.detail)
  return lacking === undefined ? undefined : `${lacking} of ${named}`
}

/** Whether the lease was minted through what its row names. */
async function isOnRecord(tx: Tx, audit: AuditTrail, lease: Lease): Promise<boolean> {
  const { items } = await audit.list(tx, { lease: lease.id, type: 'lease.intended' }, { limit: 1 })
  const intended = items[0]?.data
  return (['provider', 'connection', 'upstream'] as const).every((name) => intended?.[name] === lease[name])
}
