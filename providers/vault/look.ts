import { ProviderError } from '../../src/provider/failure.ts'
import { newcomer } from './behind.ts'
import type { VaultHandle } from './handle.ts'
import { isOwnReply, saysInvalid, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/** What looking something up has shown. */
export interface Finding {
  result: 'dead' | 'live' | 'unknown'
  method: string
  /** Whether this Vault has no such endpoint. */
  unserved?: boolean
}

const lookups = { accessor: 'auth/token/lookup-accessor', lease: 'sys/leases/lookup' } as const

/** Looks the token up by its accessor. That the node that is asked knows none counts only where it must have heard of it. */
export async function lookUpToken(
  handle: VaultHandle,
  vault: Pick<Vault, 'asBroker' | 'doubt'>,
  signal: AbortSignal,
): Promise<Finding> {
  const { accessor } = handle
  const found = await lookUp('accessor', { accessor }, vault, signal)
  if (found.result === 'live') vault.doubt.none(newcomer(handle))
  if (found.result !== 'dead' || !vault.doubt.about(newcomer(handle))) return found
  return { result: 'unknown', method: `${found.method}, and it may not have reached the node that was asked` }
}

/** Looks up the lease of what was read with the token. */
export function lookUpLease(
  lease: string,
  vault: Pick<Vault, 'asBroker'>,
  signal: AbortSignal,
): Promise<Finding> {
  return lookUp('lease', { lease_id: lease }, vault, signal)
}

async function lookUp(
  what: keyof typeof lookups,
  body: object,
  { asBroker }: Pick<Vault, 'asBroker'>,
  signal: AbortSignal,
): Promise<Finding> {
  const path = lookups[what]
  try {
    const answer = await asBroker('write', path, { body, signal, acts: false })
    if (saysInvalid(what, answer)) return { result: 'dead', method: `${path} knows no such ${what}` }
    const result = answer.status === 200 && isOwnReply(answer) ? 'live' : 'unknown'
    return { result, method: `${path} answered ${answer.status}`, unserved: unserved(answer) }
  } catch (error) {
    if (error instanceof ProviderError) return { result: 'unknown', method: `${path} was not answered` }
    throw error
  }
}
