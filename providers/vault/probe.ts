import { ProviderError, type Evidence, type Handle } from '../../src/provider.ts'
import type { Send } from './client.ts'
import { handleOf, livesOn } from './handle.ts'
import { saysInvalid, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/**
 * Looks up the token by its accessor, and then the lease that it read. A token is
 * dead when Vault knows it no more. Of a secret that Vault has let go nothing more
 * is seen than that: nobody tries it where it is used.
 */
export async function probe(handle: Handle, vault: Vault, signal: AbortSignal): Promise<Evidence> {
  const { asBroker, clock, doubt } = vault
  const found = (result: Evidence['result'], method: string) => ({ result, method, at: clock.now() })
  try {
    const known = handleOf(handle)
    const { accessor, lease, lastsUntil } = known
    if (livesOn(known, clock)) return found('unknown', 'nothing shows that what was read is dead')
    if (lastsUntil !== undefined) return found('expired', 'its upstream expiry has passed')
    const token = await lookUp('accessor', { accessor }, asBroker, signal)
    if (token.result === 'dead' && doubt.about(known))
      return found('unknown', `${token.method}, and it may not have reached the node that was asked`)
    if (lease === undefined || token.result !== 'dead') return found(token.result, token.method)
    const secret = await lookUp('lease', { lease_id: lease }, asBroker, signal)
    // Where leases cannot be looked up, what is seen is the token's end, which took the lease along.
    const { result, method } = secret.unserved ? token : secret
    return found(result === 'dead' ? 'gone' : result, method)
  } catch (error) {
    if (error instanceof ProviderError) return found('unknown', 'Vault was not asked')
    throw error
  }
}

interface Finding {
  result: 'dead' | 'live' | 'unknown'
  method: string
  unserved?: boolean
}

const lookups = { accessor: 'auth/token/lookup-accessor', lease: 'sys/leases/lookup' } as const

async function lookUp(
  what: keyof typeof lookups,
  body: object,
  send: Send,
  signal: AbortSignal,
): Promise<Finding> {
  const path = lookups[what]
  try {
    const answer = await send('write', path, { body, signal, acts: false })
    if (saysInvalid(what, answer)) return { result: 'dead', method: `${path} knows no such ${what}` }
    const result = answer.status === 200 ? 'live' : 'unknown'
    return { result, method: `${path} answered ${answer.status}`, unserved: unserved(answer) }
  } catch (error) {
    if (error instanceof ProviderError) return { result: 'unknown', method: `${path} was not answered` }
    throw error
  }
}
