import { ProviderError, type Handle, type RevocationOutcome } from '../../src/provider.ts'
import type { Send } from './client.ts'
import { handleOf } from './handle.ts'
import { refusal, saysInvalid, saysWhy, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/**
 * Ends one token, and the lease that it read. The token's end takes its leases
 * along, but only into a queue (`ExpirationManager.RevokeByToken`), which gives
 * up after six attempts: so the lease is ended by itself as well, and that
 * counts only once the engine has done it.
 */
export async function revoke(handle: Handle, vault: Vault, signal: AbortSignal): Promise<RevocationOutcome> {
  try {
    const { accessor, lease } = handleOf(handle)
    await endToken(accessor, vault, signal)
    if (lease !== undefined) await endLease(lease, vault, signal)
    return { done: true }
  } catch (error) {
    if (error instanceof ProviderError) return { done: false, error }
    throw error
  }
}

async function endToken(accessor: string, { asBroker }: Vault, signal: AbortSignal): Promise<void> {
  const answer = await asBroker('write', 'auth/token/revoke-accessor', {
    body: { accessor },
    signal,
    acts: true,
  })
  // 204, or 200 with a warning that there is no such token; older versions call that an error.
  if (answer.status === 204 || answer.status === 200) return
  if (saysInvalid('accessor', answer)) {
    // A 404 without a word may be meant of the endpoint: then Vault still shows the token.
    if (saysWhy(answer) || !(await isShown(accessor, asBroker, signal))) return
  }
  throw refusal(answer, { 403: 'the broker may not revoke tokens by accessor' }, true)
}

async function isShown(accessor: string, send: Send, signal: AbortSignal): Promise<boolean> {
  const path = 'auth/token/lookup-accessor'
  return (await send('write', path, { body: { accessor }, signal, acts: false })).status === 200
}

async function endLease(lease: string, { asBroker }: Vault, signal: AbortSignal): Promise<void> {
  const answer = await asBroker('write', 'sys/leases/revoke', {
    // Without `sync`, the answer is 202 and says nothing of what becomes of it.
    body: { lease_id: lease, sync: true },
    signal,
    acts: true,
  })
  if (answer.status === 204 || answer.status === 200 || saysInvalid('lease', answer)) return
  // Where leases cannot be ended by themselves, the token's end has to do.
  if (unserved(answer)) return
  // That the engine failed, a database being down, is told as 400 (`handleError`).
  if (answer.status === 400)
    throw new ProviderError('unavailable', 'Vault could not take the secret back yet', { maybeDone: true })
  throw refusal(answer, { 403: 'the broker may not revoke leases' }, true)
}
