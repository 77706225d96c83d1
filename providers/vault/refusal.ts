import { z } from 'zod'
import { answered, garbage, limited, passing, refused, stranger } from '../../src/provider/answers.ts'
import type { ProviderError } from '../../src/provider/failure.ts'
import type { Answer } from './client.ts'

/** What each refusal means for the request at hand. */
export type Meanings = Partial<Record<400 | 403 | 404, string>>

/**
 * An answer that is not the one hoped for, in our own words: Vault's may quote
 * what was sent. That nothing was done is believed of Vault alone.
 *
 * @param acts whether the request changes something, so that a 5xx leaves open whether it did
 */
export function refusal(answer: Answer, meanings: Meanings, acts: boolean): ProviderError {
  const { status, retryAfter } = answer
  const own = wordsOf(answer) !== undefined
  if (status === 429) return limited('Vault', { retryAfter, maybeDone: acts && !own })
  if (status === 503)
    return passing(answered('Vault', 503, 'it is sealed or not ready'), { retryAfter, maybeDone: acts })
  // A node that is behind: Vault itself says so before it does anything.
  if (status === 412)
    return passing(answered('Vault', 412, 'the node that was asked is behind'), {
      retryAfter,
      maybeDone: acts && !saysWhy(answer),
    })
  if (status >= 500) return passing(answered('Vault', status), { retryAfter, maybeDone: acts })
  if (status >= 400 && !own) return stranger('Vault', status, acts)
  if (status >= 400) return refused(answered('Vault', status, meanings[status as keyof Meanings]))
  // What a standby node answers that may not forward, until it is active itself.
  if (status >= 300)
    return passing(
      `Vault answered ${status}, a redirect, and those are not followed: is the address that of the active node?`,
    )
  return garbage('Vault', acts)
}

const spoken = z.object({ errors: z.array(z.string()) })
const replied = z.union([
  z.object({ request_id: z.string() }),
  z.object({ data: z.record(z.string(), z.unknown()) }),
  z.object({ warnings: z.array(z.string()) }),
])

/** Whether the answer is a reply as Vault makes them ("HTTP API"), and not somebody's page. */
export function isOwnReply({ body }: Answer): boolean {
  return replied.safeParse(body).success
}

/** Vault's own words on why it refused, undefined where something in front of it answered. */
function wordsOf({ body }: Answer): string[] | undefined {
  return spoken.safeParse(body).data?.errors
}

/** Whether Vault itself says why it refused. */
export function saysWhy(answer: Answer): boolean {
  return Boolean(wordsOf(answer)?.length)
}

/**
 * Whether Vault says that it does not know the token of the request, which is worded
 * otherwise than what a token may not do: that comes as one of a list, after a bullet.
 */
export function saysUnknownToken(answer: Answer): boolean {
  const words = wordsOf(answer) ?? []
  return (
    answer.status === 403 &&
    words.some((w) => w === 'permission denied' || /\b(?:invalid|bad) token\b/.test(w))
  )
}

/**
 * Whether Vault says that it knows no such accessor or lease. Its versions differ
 * in the status that goes with it (400, 403, 404), not in the words; a 404 with an
 * empty list of them is its general answer for what is not there.
 */
export function saysInvalid(what: 'accessor' | 'lease', answer: Answer): boolean {
  const words = wordsOf(answer)
  if (answer.status === 404 && words?.length === 0) return true
  return [400, 403, 404].includes(answer.status) && Boolean(words?.some((w) => w.includes(`invalid ${what}`)))
}

/** Whether Vault says that there is no such endpoint. */
export function unserved(answer: Answer): boolean {
  return (answer.status === 404 || answer.status === 405) && wordsOf(answer) !== undefined
}
