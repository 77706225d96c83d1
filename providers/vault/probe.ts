import { ProviderError, type Evidence, type Handle } from '../../src/provider.ts'
import type { Send } from './client.ts'
import { handleOf } from './handle.ts'
import { saysInvalid, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/**
 * Looks up the token by its accessor, and then the lease that it read: a secret
 * is dead only when both are gone.
 */
export async function probe(handle: Handle, vault: Vault, signal: AbortSignal): Promise<Evidence> {
  const found = ({ result, method }: Finding) => ({ result, method, at: vault.clock.now() })
  try {
    const { accessor, lease } = handleOf(handle)
    const token = await lookUp('accessor', { accessor }, vault.asBroker, signal)
    if (lease === undefined || token.result !== 'dead') return found(token)
    const secret = await lookUp('lease', { lease_id: lease }, vault.asBroker, signal)
    // Where leases cannot be looked up, what is seen is the token's end, which took the lease along.
    return found(secret.unserved ? token : secret)
  } catch (error) {
    if (error instanceof ProviderError) return found({ result: 'unknown', method: 'Vault was not asked' })
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
