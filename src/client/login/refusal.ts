/** What issuers refuse, in words of ours: theirs may quote what was sent. */
import { networkFault } from '../../outbound/network-fault.ts'
import { NoIdentity } from '../no-identity.ts'

/** What the issuer answers; what kept it from answering, or what it refuses, in words of ours. @throws NoIdentity */
export async function heard<Answer>(
  issuer: string,
  answer: Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    const fault = networkFault(error)
    if (fault) throw new NoIdentity(`the issuer ${issuer}: ${fault.words}`, fault.remedy)
    const code = errorOf(error)
    throw new NoIdentity(
      `the issuer ${issuer} ${words[code] ?? `did not log you in (${code})`}`,
      'Try again; if it goes on, tell whoever runs the broker.',
    )
  }
}

const words: Record<string, string> = {
  access_denied: 'was told no',
  expired_token: 'has waited too long',
  invalid_grant: 'no longer knows this login',
  invalid_client: 'does not know the client that the broker names',
  unauthorized_client: 'does not let the client that the broker names log in so',
}

/** RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5; or what the library found wrong with the answer. */
export function errorOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no answer'
  const { error: code, code: fault } = error as { error?: unknown; code?: unknown }
  const named = [code, fault].find((each) => typeof each === 'string' && /^[\w-]{1,64}$/.test(each))
  return typeof named === 'string' ? named : 'an answer that cannot be believed'
}
