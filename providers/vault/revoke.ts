/** Taking a token, and what was read with it, away (docs/decisions/0009). */
import { outcomeOf, passing, refused } from '../../src/provider/answers.ts'
import type { Handle, RevocationOutcome } from '../../src/provider/upstream.ts'
import { newcomer, untilHeard } from './behind.ts'
import type { Answer } from './client.ts'
import { handleOf, livesOn, type VaultHandle } from './handle.ts'
import { lookUpToken } from './look.ts'
import { isOwnReply, refusal, saysInvalid, saysWhy, unserved } from './refusal.ts'
import type { Vault } from './upstream.ts'

/**
 * Ends one token, and the lease that it read. The token's end takes its leases
 * along, but only into a queue (`ExpirationManager.RevokeByToken`), which gives
 * up after six attempts: so the lease is ended by itself as well, and that
 * counts only once the engine has done it.
 */
export async function revoke(handle: Handle, vault: Vault, signal: AbortSignal): Promise<RevocationOutcome> {
  const { clock, doubt } = vault
  return await outcomeOf(async () => {
    const known = handleOf(handle)
    const isNew = doubt.about(newcomer(known))
    const first = await endToken(known, vault, signal)
    if (known.lease !== undefined) await endLease(known.lease, vault, signal)
    const behind = (answer: Answer) => isNew && isUnknown(answer)
    const last = await untilHeard({ clock, behind, first }, () => endToken(known, vault, signal))
    if (isUnknown(last)) doubt.none(newcomer(known))
    if (livesOn(known, clock)) throw onlyExpires()
  })
}

/** Trying again soon could change nothing. */
const onlyExpires = () => refused('what was read ends only with its own life', { retryAfter: 60 })

/** What it was answered. @throws ProviderError unless the node that was asked has ended it, or knows of no such token */
async function endToken(handle: VaultHandle, vault: Vault, signal: AbortSignal): Promise<Answer> {
  const { asBroker, takeBack, doubt } = vault
  const { accessor } = handle
  // Seen to be known now, it need not be waited for afterwards: that it is known no more is then its end.
  if (doubt.about(newcomer(handle))) await lookUpToken(handle, vault, signal)
  const answer = await asBroker('write', 'auth/token/revoke-accessor', {
    body: { accessor },
    signal,
    acts: true,
  })
  takeBack.tried('tokens', answer)
  if (answer.status === 204 || isUnknown(answer)) {
    // A 404 without a word may be meant of the endpoint: then Vault still shows the token.
    const isPlain = answer.status === 404 && !saysWhy(answer)
    if (!isPlain || (await lookUpToken(handle, vault, signal)).result !== 'live') return answer
  }
  throw refusal(answer, { 403: 'the broker may not revoke tokens by accessor' }, true)
}

/** Whether there is no such token: 200 with a warning; older versions call that an error. */
function isUnknown(answer: Answer): boolean {
  return (answer.status === 200 && isOwnReply(answer)) || saysInvalid('accessor', answer)
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
  if (answer.status === 400) throw passing('Vault could not take the secret back yet', { maybeDone: true })
  throw refusal(answer, { 403: 'the broker may not revoke leases' }, true)
}

/**
 * Ends a token that nobody was given, and sees to it that it is dead.
 *
 * @throws ProviderError
 */
export async function makeSure(handle: VaultHandle, vault: Vault, signal: AbortSignal): Promise<void> {
  const outcome = await revoke(handle, vault, signal)
  if (!outcome.done) throw outcome.error
  const { result } = await lookUpToken(handle, vault, signal)
  if (result !== 'dead')
    throw passing('Vault does not show yet that the token is dead', {
      maybeDone: true,
    })
}
