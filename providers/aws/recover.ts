import { passing } from '../../src/provider/answers.ts'
import { mintingTimeMs, type Intent, type Recovery } from '../../src/provider/upstream.ts'
import type { AwsDetail } from './detail.ts'
import { lifeOf } from './session-life.ts'
import type { Aws } from './upstream.ts'

/**
 * Denies whatever session the lost mint may have made, by its name: the unique id
 * of the role, which the answer would have told, is left open. STS lists no
 * sessions, so one that was made is only known to be gone once its life is over.
 *
 * @throws ProviderError
 */
export async function recover(
  intent: Intent<AwsDetail>,
  { policies, clock, longestLife }: Aws,
  signal: AbortSignal,
): Promise<Recovery> {
  const { leaseId, detail, createdAt } = intent
  const role = detail.role_arn
  const issuedBy = createdAt + mintingTimeMs
  const liveUntil = issuedBy + lifeOf(intent, createdAt, longestLife(role)) * 1000
  if (liveUntil <= clock.now()) return { gone: true }
  if (policies) {
    const id = `*:${leaseId}`
    // What does not fit would be denied together with sessions that are at work, and nobody has ever had this one.
    if (!policies.hasRoom(role, id))
      throw passing("the role's inline policies have no room yet to deny what may have been minted", {
        maybeDone: true,
      })
    const denials = await policies.enforce(role, [{ id, issuedBy, until: liveUntil }], { signal })
    if (!denials.sessions.has(id) && (denials.issuedBefore ?? 0) <= issuedBy)
      throw passing('AWS does not show yet that the session is denied', {
        maybeDone: true,
      })
  }
  return { gone: false, liveUntil }
}
