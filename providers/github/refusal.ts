import {
  answered,
  garbage,
  limited,
  passing,
  refused,
  secondsIn,
  stranger,
} from '../../src/provider/answers.ts'
import type { ProviderError } from '../../src/provider/failure.ts'
import type { Answer } from './api.ts'
import { isOwnRefusal } from './words.ts'

/** What each refusal means for the request at hand. */
export type Meanings = Partial<Record<401 | 403 | 404 | 422, string | undefined>>

/**
 * An answer that is not the one hoped for, in our own words: GitHub's may quote
 * what was sent. That nothing was done is believed of GitHub alone.
 *
 * @param acts whether the request changes something, so that a 5xx leaves open whether it did
 */
export function refusal(answer: Answer, meanings: Meanings, acts: boolean): ProviderError {
  const { status } = answer
  const own = isOwnRefusal(answer)
  const limit = limitedFor(answer)
  if (limit) return limited('GitHub', { ...limit, maybeDone: acts && !own })
  if (status >= 500) {
    const retryAfter = secondsIn(answer.headers['retry-after'])
    return passing(answered('GitHub', status), { maybeDone: acts, retryAfter })
  }
  if (status >= 300 && !own) return stranger('GitHub', status, acts)
  if (status >= 400) return refused(answered('GitHub', status, meanings[status as keyof Meanings]))
  if (status >= 300)
    return refused(
      `GitHub answered ${status}, a redirect, and those are not followed: was the repository or the owner renamed?`,
    )
  return garbage('GitHub', acts)
}

/**
 * GitHub's limits come as 429 or as 403, which is otherwise a refusal for good
 * ("Rate limits for the REST API", "Exceeding the rate limit").
 */
function limitedFor({ status, headers, data, at }: Answer): { retryAfter: number | undefined } | undefined {
  if (status !== 429 && status !== 403) return undefined
  const retryAfter = secondsIn(headers['retry-after'])
  if (retryAfter !== undefined) return { retryAfter }
  if (String(headers['x-ratelimit-remaining']) === '0') {
    const reset = secondsIn(headers['x-ratelimit-reset'])
    return { retryAfter: reset === undefined ? undefined : Math.max(1, reset - Math.floor(at / 1000)) }
  }
  const spoken = (data as { message?: unknown } | null | undefined)?.message
  const [limit, secondary] = /(secondary )?rate limit/i.exec(typeof spoken === 'string' ? spoken : '') ?? []
  // For a secondary limit without a time GitHub asks for a minute. Who does not even name it
  // asks for none, and a credential must not live on for our guess (invariant I4).
  if (status === 429 || limit) return { retryAfter: secondary ? 60 : undefined }
  return undefined
}
