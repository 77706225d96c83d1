/** Who the broker itself is to AWS, where it holds no key: a role that it takes on with a JWT of its own. */
import { AssumeRoleWithWebIdentityCommand, type STSClient } from '@aws-sdk/client-sts'
import { z } from 'zod'
import { withinLimit } from '../../src/base/clock.ts'
import { garbage, ofOwnToken, passing } from '../../src/provider/answers.ts'
import type { ProviderError } from '../../src/provider/failure.ts'
import { NotRunning } from '../../src/provider/services.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { AwsFailure, refusal } from './failure.ts'
import { credentialsAnswer } from './session.ts'

interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}

/** A provider of credentials as the SDK takes it; `memoized` keeps the SDK from caching by a clock of its own. */
export type Identity = (() => Promise<Credentials>) & {
  memoized: true
  /** Whether its credentials are so new that some of AWS may not have heard of them. */
  isNew: () => boolean
}

/** Seconds: what a role allows unless it is configured otherwise. */
const life = 3600
/** How long before its end a session is replaced, and before which it is used for want of another. */
const freshnessMs = { refresh: 300_000, use: 5_000 }
/** For how long AWS may not know them everywhere: it publishes no figure, and is asked again meanwhile. */
const spreadingMs = 15_000
/** No caller's own limit counts, since others wait for the same answer. */
const limitMs = 10_000

const audience = 'sts.amazonaws.com'

/** One session for all calls, and one call for it at a time. */
export function webIdentity(roleArn: string, context: ConnectionContext, sts: () => STSClient): Identity {
  const { clock } = context
  let current: { credentials: Credentials; expiresAt: number } | undefined
  let renewing: Promise<Credentials> | undefined

  const renew = async () => {
    const askedAt = clock.now()
    const token = await context.sign(audience).catch((error: unknown) => {
      throw passing('the broker could not sign a token for AWS', { ofOwnToken: error instanceof NotRunning })
    })
    const command = new AssumeRoleWithWebIdentityCommand({
      RoleArn: roleArn,
      RoleSessionName: `mayfly-${context.installation()}`,
      WebIdentityToken: token,
      DurationSeconds: life,
    })
    const answer = await withinLimit(clock, limitMs, (abortSignal) => sts().send(command, { abortSignal }))
    const parsed = z.object({ Credentials: credentialsAnswer }).safeParse(answer)
    if (!parsed.success) throw garbage('AWS', false)
    const { AccessKeyId, SecretAccessKey, SessionToken } = parsed.data.Credentials
    const credentials = {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    }
    // Counted from before AWS gave it out, and by our clock.
    current = { credentials, expiresAt: askedAt + life * 1000 }
    return credentials
  }
  const renewed = () =>
    (renewing ??= renew()
      .catch((error: unknown) => {
        if (current && clock.now() < current.expiresAt - freshnessMs.use) return current.credentials
        throw error instanceof AwsFailure ? asRefusal(error) : error
      })
      .finally(() => (renewing = undefined)))
  const provide = async () =>
    current && clock.now() < current.expiresAt - freshnessMs.refresh ? current.credentials : await renewed()
  const isNew = () => current !== undefined && clock.now() < current.expiresAt - life * 1000 + spreadingMs
  return Object.assign(provide, { memoized: true as const, isNew })
}

/** Whatever happened, the call that this identity was wanted for was never sent. */
function asRefusal(failure: AwsFailure): ProviderError {
  const error = refusal(failure, meanings, 'nothing')
  return keysUnread.has(failure.code) ? ofOwnToken(error) : error
}

/** What AWS answers where it cannot read the keys of whoever signed the token, among other things. */
const keysUnread = new Set(['IDPCommunicationError', 'InvalidIdentityToken'])

const meanings = {
  AccessDenied: 'the trust policy of the role in `web_identity` does not let the broker in',
  InvalidIdentityToken: "it does not accept the broker's own token for the role in `web_identity`",
  IDPRejectedClaim: "it does not accept the broker's own token for the role in `web_identity`",
}
