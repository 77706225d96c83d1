/** What a configuration must still have: whatever revoking, and keeping revoked, needs (docs/decisions/0010). */
import type { AuditTrail } from '../audit/event.ts'
import type { FederationKeyStore } from '../federation/federation.ts'
import type { Connections } from '../leases/connections.ts'
import { ofProvider } from '../leases/detail.ts'
import type { LeaseKind, LeaseStore } from '../leases/lease.ts'
import { keyOf, type Seal } from '../base/seal.ts'
import { breathe } from '../base/turns.ts'
import type { Tx } from '../base/unit.ts'

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
    federationKeys: FederationKeyStore
    connections: Connections
    seal: Seal
  },
): Promise<string[]> {
  const { audit, connections, seal } = given
  const causes = new Set<string>()
  // Without it the broker could not log in to an upstream that trusts it, not even to revoke.
  const federation = missingKey(seal, (await given.federationKeys.current(tx))?.sealed)
  if (federation !== undefined) causes.add(keepKey('the federation key is', federation))
  for await (const kinds of given.leases.unsettledKinds(tx)) {
    for (const kind of kinds) {
      const { sealKey: key } = kind
      // Once for each cause: there may be thousands of kinds.
      const lost = key !== undefined && !seal.has(key) && !causes.has(keepKey('live leases are', key))
      if (lost && (await wasSealedWith(key, tx, audit, kind))) causes.add(keepKey('live leases are', key))
      const need = needOf(connections, kind)
      if (need === undefined || causes.has(keepIt(need))) continue
      const minted = await asMinted(tx, audit, kind)
      const known = minted && needOf(connections, minted)
      if (known !== undefined) causes.add(keepIt(known))
    }
    await breathe()
  }
  return [...causes]
}

/** Why what grants, or keeps out, could no longer be told from what somebody else has written. */
export async function unverifiable(
  tx: Tx,
  { federationKeys, seal }: { federationKeys: FederationKeyStore; seal: Seal },
): Promise<string[]> {
  const lacking = (await federationKeys.sealKeysInUse(tx)).filter((id) => !seal.has(id))
  return lacking.map((id) => keepKey('open tasks, fences or used tokens are', id))
}

function keepIt(need: string): string {
  return `live leases still need ${need}: keep it, with \`retired: true\` to mint nothing more`
}

function missingKey(seal: Seal, sealed: string | undefined): string | undefined {
  const id = sealed === undefined ? undefined : keyOf(sealed)
  return id === undefined || seal.has(id) ? undefined : id
}

function keepKey(what: string, id: string): string {
  return `${what} sealed with the key ${id}: keep it under \`seal.keys\`, after the new one`
}

/** What a lease says of how it was minted, and its record too. */
type Origin = Omit<LeaseKind, 'id' | 'sealKey'>

/** What revoking a lease takes and these connections lack. */
function needOf(connections: Connections, origin: Origin): string | undefined {
  const named = `the ${origin.provider} connection ${origin.connection}`
  if (!connections.get(origin.provider, origin.connection)) return named
  const entry = connections.of(origin)
  if (!entry) return `${named} as it was, leading to ${origin.upstream}`
  const { terms } = entry
  const detail = ofProvider(origin.detail)
  // Whoever was told that it can be revoked would have to wait for its own end (invariant I10).
  if (origin.revocation !== 'expiry' && terms.revocation(detail) === 'expiry')
    return `${named} as it was, able to revoke`
  const lacking = terms.lacks?.(detail)
  return lacking === undefined ? undefined : `${lacking} of ${named}`
}

/** Whether the key was in use while the lease came to be: each event of it names the one that was. */
async function wasSealedWith(key: string, tx: Tx, audit: AuditTrail, { id }: LeaseKind): Promise<boolean> {
  if (id === undefined) return true
  const { items } = await audit.list(tx, { lease: id }, { limit: 1000 })
  return items.some((event) => event.key === key)
}

/** How the lease was minted by its record: its row may have been spoilt since. */
async function asMinted(tx: Tx, audit: AuditTrail, kind: LeaseKind): Promise<Origin | undefined> {
  const { id } = kind
  if (id === undefined) return kind
  const { items } = await audit.list(tx, { lease: id, type: 'lease.intended' }, { limit: 1 })
  return items[0]?.data as Origin | undefined
}
