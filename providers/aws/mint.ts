import type { Tag } from '@aws-sdk/client-sts'
import { z } from 'zod'
import { garbage, refused } from '../../src/provider/answers.ts'
import type { Intent, Minted } from '../../src/provider/upstream.ts'
import type { Api } from './api.ts'
import { parseRole } from './arn.ts'
import { awsDetail, type AwsDetail } from './detail.ts'
import { credentialsAnswer, toHandle, userIdForm } from './session.ts'
import { sessionPolicy } from './session-policy.ts'
import { lifeOf } from './session-life.ts'
import { longestOfAll, type Aws } from './upstream.ts'

/** Seconds: the longest session of a role assumed from a role (STS API reference, AssumeRole). */
const longestTemporary = 3600

/** Two clocks no further apart count as the same: AWS's times are in whole seconds. */
const sameTimeMs = 5_000
/** By so much a session may seem too long before it counts as that. */
const toleranceMs = 60_000

const answered = z.object({
  Credentials: credentialsAnswer,
  AssumedRoleUser: z.object({ Arn: z.string().optional(), AssumedRoleId: z.string() }),
  SourceIdentity: z.string().optional(),
})

/** Milliseconds that AWS's clock is ahead of ours. */
function aheadOf(api: Api): number {
  const ahead = api.skew()
  return Math.abs(ahead) > sameTimeMs ? ahead : 0
}

/**
 * Assumes the role for one lease, by whose id the session is named: a name that
 * never comes again is what lets one session be denied and no other.
 *
 * @throws ProviderError
 */
export async function mint(
  detail: AwsDetail,
  intent: Intent<AwsDetail>,
  { config, clock, api, policies, roleOf }: Aws,
  signal: AbortSignal,
): Promise<Minted> {
  const { leaseId, taskId } = intent
  // SAFEGUARD, whatever earlier code did: to AWS, no session policy means all that the role may.
  if (!awsDetail.safeParse(detail).success)
    throw refused('the authorization detail is not one that may be sent to AWS')

  const role = roleOf(detail)
  const barred = policies?.able(role.arn)
  if (typeof barred === 'string')
    throw refused(`nothing is minted of this role, since it could not be taken back: ${barred}`)
  const { temporary, chains } = await api.self(signal)
  const longest = temporary
    ? Math.min(longestTemporary, role.max_session_duration)
    : role.max_session_duration
  const duration = lifeOf(intent, clock.now(), longest)
  const end = Math.min(intent.deadline, clock.now() + duration * 1000) + aheadOf(api)
  const answer = await api.assumeRole(
    {
      RoleArn: role.arn,
      RoleSessionName: leaseId,
      SourceIdentity: taskId,
      Tags: tagsOf(intent),
      Policy: sessionPolicy(detail, { end, vending: role.vending }),
      DurationSeconds: duration,
      ...(role.external_id !== undefined && { ExternalId: role.external_id }),
    },
    signal,
  )
  const parsed = answered.safeParse(answer)
  if (!parsed.success) throw garbage('AWS', true)
  const { Credentials: credentials, AssumedRoleUser: user, SourceIdentity: source = taskId } = parsed.data
  const { Arn: arn = sessionArn(role.arn, leaseId), AssumedRoleId: userId } = user
  // Whatever this is, it is nothing that the role's policy could deny.
  if (arn !== sessionArn(role.arn, leaseId) || userIdForm.exec(userId)?.groups?.['session'] !== leaseId)
    throw garbage('AWS', true)

  const expiresAt = credentials.Expiration.getTime() - aheadOf(api)
  if (expiresAt <= clock.now()) throw garbage('AWS', true)
  const issuedAt = credentials.Expiration.getTime() - duration * 1000
  // Without `policies` nothing refuses it: then its end in the session policy is the end of all that was made with it.
  const standsUntil = chains || !policies ? expiresAt : issuedAt - aheadOf(api) + longestOfAll * 1000
  const beyond = wider({
    longer: expiresAt > clock.now() + duration * 1000 + toleranceMs,
    another: source !== taskId,
  })
  return {
    credential: {
      access_key_id: credentials.AccessKeyId,
      secret_access_key: credentials.SecretAccessKey,
      session_token: credentials.SessionToken,
      region: config.region,
    },
    accessToken: credentials.SessionToken,
    expiresAt,
    ...(policies && { standsUntil }),
    handle: toHandle({ role: role.arn, userId, issuedAt, standsUntil }),
    // CloudTrail's `accessKeyId`.
    fingerprint: credentials.AccessKeyId,
    ...(beyond !== undefined && { wider: beyond }),
  }
}

function wider({ longer, another }: { longer: boolean; another: boolean }): string | undefined {
  if (longer) return 'a session that lives longer than was asked'
  return another ? 'a session under another source identity than the task' : undefined
}

/** IAM, "IAM identifiers": the session's ARN, in which the role's path is missing. */
function sessionArn(role: string, session: string): string {
  const { partition, account, name } = parseRole(role)
  return `arn:${partition}:sts::${account}:assumed-role/${name}/${session}`
}

/**
 * For CloudTrail and for policies on `aws:PrincipalTag`. The prefix is there
 * because a session's tag replaces the role's own of the same key, and that may be
 * what the role's authority hangs on.
 */
function tagsOf({ agent, owner, taskId }: Intent<AwsDetail>): Tag[] {
  return Object.entries({ agent, owner, task: taskId }).map(([key, value]) => ({
    Key: `mayfly:${key}`,
    Value: tagValue(value),
  }))
}

/** STS API reference, Tag: at most 256 of these characters. */
function tagValue(text: string): string {
  return text.slice(0, 256).replace(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, '_')
}
