import { evidenceOf } from '../../src/provider/answers.ts'
import type { Evidence, Handle } from '../../src/provider/upstream.ts'
import { denialOf } from './deny-document.ts'
import { toSession } from './session.ts'
import type { Aws } from './upstream.ts'

/**
 * Reads the role's policy back. Nothing tries the credential itself, whose secret
 * key is not kept; `GetCallerIdentity` would prove nothing, since no policy can
 * deny it (STS API reference).
 */
export async function probe(
  handle: Handle,
  { policies, clock }: Aws,
  signal: AbortSignal,
): Promise<Evidence> {
  const found = (result: Evidence['result'], method: string) => ({ result, method })
  const look = async () => {
    const session = toSession(handle)
    if (session.standsUntil <= clock.now()) return found('expired', 'its upstream expiry has passed')
    if (!policies) return found('unknown', 'this connection has no way to look')
    const denials = await policies.read(session.role, signal)
    switch (denialOf(denials, session)) {
      case 'session':
        return found('denied', "GetRolePolicy shows that the role denies this session's aws:userid")
      case 'role':
        return found(
          'denied',
          `GetRolePolicy shows that the role denies every session issued before ${new Date(denials.issuedBefore!).toISOString()}: it had no room to deny each by itself`,
        )
      case undefined:
        return found('live', 'GetRolePolicy shows nothing that denies this session')
    }
  }
  return await evidenceOf(clock, look, 'GetRolePolicy gave no usable answer')
}
