import { outcomeOf, passing } from '../../src/provider/answers.ts'
import { heard } from '../../src/provider/lag.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Handle, RevocationOutcome } from '../../src/provider/upstream.ts'
import type { Answer } from './api.ts'
import { look } from './look.ts'
import { refusal } from './refusal.ts'
import { newcomer, tokenOf } from './token.ts'
import type { Github } from './upstream.ts'
import { isOwnRefusal, saysInaccessible, saysSuspended } from './words.ts'

/** Between attempts while a refusal may mean that the token is too new. */
const pausesMs = [1_000, 2_000, 2_500]

/**
 * Ends one token. Only the token itself can do that (GitHub REST, "Revoke an
 * installation access token"); one that GitHub no longer knows is answered 401,
 * so that revoking twice is done too. For a new token that answer has to come
 * again a few seconds later to be believed.
 */
export async function revoke(
  handle: Handle,
  github: Github,
  signal: AbortSignal,
): Promise<RevocationOutcome> {
  const { api, clock, doubt } = github
  const token = newcomer(handle)
  return await outcomeOf(async () => {
    const send = api.asToken(tokenOf(handle))
    const isNew = doubt.about(token)
    const behind = (answer: Answer) => isNew && mayBeUnknown(answer)
    const answer = await heard({ clock, pausesMs, behind }, async () => {
      // Seen to work now, it need not be waited for afterwards: a refusal is then its end.
      if (doubt.about(token)) await look(handle, github, signal).catch(unlessUnanswered)
      return await send('DELETE /installation/token', {}, signal)
    })
    if (isUnknown(answer)) doubt.none(token)
    else if (answer.status !== 204) throw refusalOf(answer, isNew)
  })
}

/** Whether GitHub itself says that it knows no such token. */
function isUnknown(answer: Answer): boolean {
  return answer.status === 401 && isOwnRefusal(answer)
}

function mayBeUnknown(answer: Answer): boolean {
  return isUnknown(answer) || saysInaccessible(answer)
}

/** Neither refused for good nor suspended is what GitHub does not know everywhere yet. */
function refusalOf(answer: Answer, isNew: boolean): ProviderError {
  if (isNew && saysInaccessible(answer)) return passing('GitHub does not know the new token everywhere yet')
  return refusal(answer, { 403: saysSuspended(answer) ? suspended : undefined }, true)
}

const suspended = 'the installation is suspended; its tokens come back when the suspension ends'

/** That nobody answered a look holds up no revocation. */
function unlessUnanswered(error: unknown): void {
  if (!(error instanceof ProviderError)) throw error
}
