import { evidenceOf } from '../../src/provider/answers.ts'
import type { Evidence, Handle } from '../../src/provider/upstream.ts'
import { handleOf, livesOn } from './handle.ts'
import { lookUpLease, lookUpToken } from './look.ts'
import type { Vault } from './upstream.ts'

/**
 * Looks up the token by its accessor, and then the lease that it read. A token is
 * dead when Vault knows it no more. Of a secret that Vault has let go nothing more
 * is seen than that: nobody tries it where it is used.
 */
export async function probe(handle: Handle, vault: Vault, signal: AbortSignal): Promise<Evidence> {
  const { clock } = vault
  const found = (result: Evidence['result'], method: string) => ({ result, method })
  const look = async () => {
    const known = handleOf(handle)
    const { lease, lastsUntil } = known
    if (livesOn(known, clock)) return found('unknown', 'nothing shows that what was read is dead')
    if (lastsUntil !== undefined) return found('expired', 'its upstream expiry has passed')
    const token = await lookUpToken(known, vault, signal)
    if (lease === undefined || token.result !== 'dead') return found(token.result, token.method)
    // Of nodes that are behind too: who has heard of the token's end has heard before of the lease.
    const secret = await lookUpLease(lease, vault, signal)
    // Where leases cannot be looked up, what is seen is the token's end, which took the lease along.
    const { result, method } = secret.unserved ? token : secret
    return found(result === 'dead' ? 'gone' : result, method)
  }
  return await evidenceOf(clock, look, 'Vault was not asked')
}
