/** How long GitHub may not have heard of a token of its own (docs/decisions/0004). */
import type { Clock } from '../../src/clock.ts'
import type { Handle } from '../../src/provider.ts'

/** GitHub publishes none; its own client goes on trying for five seconds (`@octokit/auth-app`). */
const delayMs = 5_000

/**
 * Whether a 401 for this token may mean that GitHub does not know it yet rather
 * than that it is dead: both are answered alike. A token taken for dead too soon
 * would come alive a moment later with nobody left to end it (invariant I4).
 */
export function mayBeTooNew({ mintedAt }: Handle, clock: Clock): boolean {
  return typeof mintedAt === 'number' && clock.now() < mintedAt + delayMs
}
