/** Back-off: how long until a failed revocation is tried again (invariant I4). */

const firstMs = 500
/** Milliseconds. The credential is alive meanwhile, and one dead upstream delays nobody else: there is little to gain from patience. */
export const longestPauseMs = 10_000
/** A Retry-After beyond this is not waited for: the credential is alive meanwhile (invariant I4). */
const longestRetryAfterMs = 60_000

/**
 * Milliseconds to wait after the `attempts`th failure in a row (1 for the
 * first): exponential, between half and the whole of the step so that many
 * leases do not come back at once.
 */
export function backoff(
  attempts: number,
  retryAfterSeconds: number | undefined,
  random = Math.random,
): number {
  const step = Math.min(longestPauseMs, firstMs * 2 ** Math.min(attempts - 1, 16))
  const jittered = step * (0.5 + random() / 2)
  // A `||` for NaN too: a due date that is no number would never come.
  const asked = Math.min(longestRetryAfterMs, (retryAfterSeconds || 0) * 1000)
  return Math.ceil(Math.max(jittered, asked))
}
