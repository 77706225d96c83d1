import type { Clock } from '../../src/clock.ts'
import { ProviderError, type Intent, type Recovery } from '../../src/provider.ts'
import type { AwsRole } from './config.ts'
import type { AwsDetail } from './detail.ts'
import type { DenyPolicies } from './deny.ts'
import { lifeOf } from './mint.ts'

/** Milliseconds that a mint may still be under way after its intent was recorded. */
const mintingTime = 60_000

/**
 * Denies whatever session the lost mint may have made, by its name: the unique id
 * of the role, which the answer would have told, is left open. STS lists no
 * sessions, so one that was made is only known to be gone once its life is over.
 *
 * @throws ProviderError
 */
export async function recover(
  intent: Intent<AwsDetail>,
  role: Pick<AwsRole, 'arn' | 'max_session_duration'>,
  policies: DenyPolicies | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<Recovery> {
  const { leaseId, createdAt } = intent
  const issuedBy = createdAt + mintingTime
  const liveUntil = issuedBy + lifeOf(intent, createdAt, role.max_session_duration) * 1000
  if (liveUntil <= clock.now()) return { gone: true }
  if (policies) {
    const id = `*:${leaseId}`
    const denials = await policies.enforce(role.arn, [{ id, issuedBy, until: liveUntil }], { signal })
    if (!denials.sessions.has(id) && (denials.issuedBefore ?? 0) <= issuedBy)
      throw new ProviderError('unavailable', 'AWS does not show yet that the session is denied', {
        maybeDone: true,
      })
  }
  return { gone: false, liveUntil }
}
