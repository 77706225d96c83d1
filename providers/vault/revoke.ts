/** Taking a token, and what was read with it, away (docs/decisions/0009). */
import { ProviderError, type Handle, type RevocationOutcome } from '../../src/provider.ts'
import { heard } from './behind.ts'
import type { Answer, Send } from './client.ts'
import { handleOf, livesOn, type VaultHandle } from './handle.ts'
import { refusal, saysInvalid, saysWhy, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/**
 * Ends one token, and the lease that it read. The token's end takes its leases
 * along, but only into a queue (`ExpirationManager.RevokeByToken`), which gives
 * up after six attempts: so the lease is ended by itself as well, and that
 * counts only once the engine has done it.
 */
export async function revoke(handle: Handle, vault: Vault, signal: AbortSignal): Promise<RevocationOutcome> {
  const { clock, doubt } = vault
  try {
    const known = handleOf(handle)
    const first = await endToken(known, vault, signal)
    if (known.lease !== undefined) await endLease(known.lease, vault, signal)
    const behind = (answer: Answer) => isUnknown(answer) && doubt.about(known)
    await heard({ clock, behind, first }, () => endToken(known, vault, signal))
    doubt.none(known)
    return livesOn(known, clock) ? { done: false, error: onlyExpires() } : { done: true }
  } catch (error) {
    if (error instanceof ProviderError) return { done: false, error }
    throw error
  }
}

/** Trying again soon could change nothing. */
const onlyExpires = () =>
  new ProviderError('rejected', 'what was read ends only with its own life', { retryAfter: 60 })

/** What it was answered. @throws ProviderError unless the node that was asked has ended it, or knows of no such token */
async function endToken(
  handle: VaultHandle,
  { asBroker, takeBack, doubt }: Vault,
  signal: AbortSignal,
): Promise<Answer> {
  const { accessor } = handle
  const answer = await asBroker('write', 'auth/token/revoke-accessor', {
    body: { accessor },
    signal,
    acts: true,
  })
  takeBack.tried('tokens', answer)
  if (answer.status === 204) doubt.none(handle)
  if (answer.status === 204 || isUnknown(answer)) {
    // A 404 without a word may be meant of the endpoint: then Vault still shows the token.
    if (answer.status !== 404 || saysWhy(answer) || !(await isShown(accessor, asBroker, signal)))
      return answer
  }
  throw refusal(answer, { 403: 'the broker may not revoke tokens by accessor' }, true)
}

/** Whether there is no such token: 200 with a warning; older versions call that an error. */
function isUnknown(answer: Answer): boolean {
  return answer.status === 200 || saysInvalid('accessor', answer)
}

async function isShown(accessor: string, send: Send, signal: AbortSignal): Promise<boolean> {
  const path = 'auth/token/lookup-accessor'
  return (await send('write', path, { body: { accessor }, signal, acts: false })).status === 200
}

async function endLease(lease: string, { asBroker, takeBack }: Vault, signal: AbortSignal): Promise<void> {
  const answer = await asBroker('write', 'sys/leases/revoke', {
    // Without `sync`, the answer is 202 and says nothing of what becomes of it.
    body: { lease_id: lease, sync: true },
    signal,
    acts: true,
  })
  takeBack.tried('leases', answer)
  if (answer.status === 204 || answer.status === 200 || saysInvalid('lease', answer)) return
  // Where leases cannot be ended by themselves, the token's end has to do.
  if (unserved(answer)) return
  // That the engine failed, a database being down, is told as 400 (`handleError`).
  if (answer.status === 400)
    throw new ProviderError('unavailable', 'Vault could not take the secret back yet', { maybeDone: true })
  throw refusal(answer, { 403: 'the broker may not revoke leases' }, true)
}
