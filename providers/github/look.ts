/** What is seen of a token that GitHub may not have heard of yet (docs/decisions/0004). */
import type { Handle } from '../../src/provider/upstream.ts'
import type { Answer } from './api.ts'
import { newcomer, tokenOf } from './token.ts'
import type { Github } from './upstream.ts'
import { isOwn, isOwnRefusal } from './words.ts'

/** What trying a token has shown. `untold`: not GitHub's own answer, or one that leaves it open. */
export interface Look {
  shows: 'works' | 'refused' | 'untold'
  status: number
}

/**
 * Tries the token. Only a 401 of GitHub's own refuses it: a suspended installation, a rate
 * limit and a replica that does not know a new one yet answer 403 and leave it as it is.
 *
 * @throws ProviderError
 */
export async function look(handle: Handle, { api, doubt }: Github, signal: AbortSignal): Promise<Look> {
  const send = api.asToken(tokenOf(handle))
  const answer = await send('GET /installation/repositories?per_page=1', {}, signal)
  const shows = shownBy(answer)
  if (shows === 'works') doubt.none(newcomer(handle))
  return { shows, status: answer.status }
}

function shownBy(answer: Answer): Look['shows'] {
  if (answer.status === 200) return isOwn(answer) ? 'works' : 'untold'
  return answer.status === 401 && isOwnRefusal(answer) ? 'refused' : 'untold'
}
