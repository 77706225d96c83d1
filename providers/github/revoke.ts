import { pause, type Clock } from '../../src/clock.ts'
import { ProviderError, type Handle, type RevocationOutcome } from '../../src/provider.ts'
import type { Api } from './api.ts'
import { refusal } from './refusal.ts'
import { mayBeTooNew } from './replication.ts'
import { tokenOf } from './token.ts'

/** Milliseconds between attempts while a 401 may mean that the token is too new. */
const doubtPauses = [1_000, 2_000]

/**
 * Ends one token. Only the token itself can do that (GitHub REST, "Revoke an
 * installation access token"); one that GitHub no longer knows is answered 401,
 * so that revoking twice is done too. For a new token that answer has to come
 * again a few seconds later to be believed.
 */
export async function revoke(
  handle: Handle,
  api: Api,
  clock: Clock,
  signal: AbortSignal,
): Promise<RevocationOutcome> {
  try {
    const end = () => api.asToken(tokenOf(handle))('DELETE /installation/token', {}, signal)
    let answer = await end()
    for (const ms of doubtPauses) {
      if (answer.status !== 401 || !mayBeTooNew(handle, clock)) break
      await pause(clock, ms)
      answer = await end()
    }
    if (answer.status === 204 || answer.status === 401) return { done: true }
    return { done: false, error: refusal(answer, meanings, true, clock.now()) }
  } catch (error) {
    if (error instanceof ProviderError) return { done: false, error }
    throw error
  }
}

const meanings = { 403: 'the installation is suspended; its tokens come back when the suspension ends' }
