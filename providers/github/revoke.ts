import { pause } from '../../src/clock.ts'
import { ProviderError, type Handle, type RevocationOutcome } from '../../src/provider.ts'
import { refusal } from './refusal.ts'
import { mayBeTooNew } from './replication.ts'
import { tokenOf } from './token.ts'
import type { Github } from './upstream.ts'

/** Between attempts while a 401 may mean that the token is too new. */
const doubtPausesMs = [1_000, 2_000]

/**
 * Ends one token. Only the token itself can do that (GitHub REST, "Revoke an
 * installation access token"); one that GitHub no longer knows is answered 401,
 * so that revoking twice is done too. For a new token that answer has to come
 * again a few seconds later to be believed.
 */
export async function revoke(
  handle: Handle,
  { api, clock }: Github,
  signal: AbortSignal,
): Promise<RevocationOutcome> {
  try {
    const end = () => api.asToken(tokenOf(handle))('DELETE /installation/token', {}, signal)
    let answer = await end()
    for (const ms of doubtPausesMs) {
      if (answer.status !== 401 || !mayBeTooNew(handle, clock)) break
      await pause(clock, ms)
      answer = await end()
    }
    if (answer.status === 204 || answer.status === 401) return { done: true }
    return { done: false, error: refusal(answer, meanings, true) }
  } catch (error) {
    if (error instanceof ProviderError) return { done: false, error }
    throw error
  }
}

const meanings = { 403: 'the installation is suspended; its tokens come back when the suspension ends' }
