import { z } from 'zod'
import type { Clock } from '../../src/base/clock.ts'
import { refused } from '../../src/provider/answers.ts'
import { createDoubt, type Doubt } from '../../src/provider/lag.ts'
import type { Handle } from '../../src/provider/upstream.ts'

/**
 * An installation token, opaque since its form is GitHub's own affair (some are
 * 40 characters, stateless ones about 520). It goes into a header, so nothing in
 * it may end that header, nor be longer than servers accept.
 */
export const tokenText = z.string().regex(/^[\x21-\x7e]{1,8192}$/)

/** Seconds that every installation token lives; it cannot be asked shorter. */
export const life = 3600

/** @throws ProviderError `rejected` for a handle that no mint gave out. */
export function tokenOf({ token }: Handle): string {
  const parsed = tokenText.safeParse(token)
  if (!parsed.success) throw refused('the stored handle holds no installation token')
  return parsed.data
}

/** GitHub publishes none; its own client goes on trying for five seconds (`@octokit/auth-app`). */
const replicatedWithinMs = 5_000

/** Tells tokens that are gone from those that GitHub does not know everywhere yet. */
export const tokenDoubt = (clock: Clock): Doubt => createDoubt(clock, replicatedWithinMs)

/** A token as doubt knows it. */
export function newcomer({ token, mintedAt }: Handle) {
  return { key: String(token), mintedAt: typeof mintedAt === 'number' ? mintedAt : undefined }
}
