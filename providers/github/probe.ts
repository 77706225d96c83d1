import { ProviderError, type Evidence, type Handle } from '../../src/provider.ts'
import { tokenOf } from './token.ts'
import type { Github } from './upstream.ts'

/**
 * Tries the token. Only 401 says that it is dead: a suspended installation and a
 * rate limit answer 403 and leave the token as it is.
 */
export async function probe(handle: Handle, { api, clock }: Github, signal: AbortSignal): Promise<Evidence> {
  const found = (result: Evidence['result'], what: string) => ({
    result,
    method: `GET /installation/repositories ${what}`,
    at: clock.now(),
  })
  try {
    const { status } = await api.asToken(tokenOf(handle))(
      'GET /installation/repositories?per_page=1',
      {},
      signal,
    )
    if (status === 200) return found('live', 'answered 200')
    return found(status === 401 ? 'dead' : 'unknown', `answered ${status}`)
  } catch (error) {
    if (error instanceof ProviderError) return found('unknown', 'was not answered')
    throw error
  }
}
