/** What issuers refuse, in words of ours: theirs may quote what was sent. */
import { errorOf } from '../../base/openid.ts'
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
