/** The Security Token Service. Rules without a source beside them are from its API reference. */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from 'jose'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Caller, Keys } from './keys.ts'
import { parsePolicy } from './policy.ts'
import { invalid, type Answer, type Operation, type Parameters } from './query.ts'
import { AwsRefusal } from './refusal.ts'
import type { Roles } from './roles.ts'
import type { AwsRole, AwsSettings } from './settings.ts'

const name = [/^[\w+=,.@-]*$/, [2, 64]] as const
const arn = [
  /^[\t\n\r\x20-\x7e\x85\xa0-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]+$/u,
  [20, 2048],
] as const
const anyText = /[^]*/
/** Of plain text. How much AWS can pack is not published, and not modelled. */
const longestPolicy = 2048
const mostTags = 50
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u
/** Seconds; "role chaining" allows no more than an hour. */
const [shortest, longestChained] = [900, 3600]

export function stsOperations(given: {
  settings: AwsSettings
  keys: Keys
  roles: Roles
  clock: Clock
  authenticate: (c: Context) => Promise<Caller>
}): Record<string, Operation> {
  const { settings, keys, roles, clock, authenticate } = given

  const roleIn = (text: string, action: string, caller: string): AwsRole => {
    const role = roles.byArn(text)
    // A role that does not exist is not told from one that may not be assumed.
    if (!role) throw denied(caller, action, text)
    return role
  }

  const durationIn = (parameters: Parameters, longest: number) => {
    const seconds = Number(parameters.take('DurationSeconds', /^\d+$/, [1, 9]) ?? 3600)
    if (seconds < shortest || seconds > longest)
      throw invalid(`The requested DurationSeconds exceeds the MaxSessionDuration set for this role.`)
    return seconds
  }

  const policyIn = (parameters: Parameters) => {
    const text = parameters.take('Policy', anyText, [1, Infinity])
    if (text === undefined) return undefined
    if (text.length > longestPolicy)
      throw invalid(
        `Value at 'policy' failed to satisfy constraint: length less than or equal to ${longestPolicy}`,
      )
    return parsePolicy(text)
  }

  const minted = (
    role: AwsRole,
    session: string,
    asked: {
      duration: number
      policy: ReturnType<typeof policyIn>
      chained: boolean
      scope: Record<string, unknown>
    },
  ): Answer => {
    const user = {
      Arn: `arn:aws:sts::${settings.account}:assumed-role/${role.name}/${session}`,
      AssumedRoleId: `${roles.idOf(role)}:${session}`,
    }
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = keys.mint({
      role,
      arn: user.Arn,
      userId: user.AssumedRoleId,
      duration: asked.duration,
      sessionPolicy: asked.policy,
      chained: asked.chained,
      scope: { role: roles.arnOf(role), session, ...asked.scope },
    })
    return {
      Credentials: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: sessionToken,
        Expiration: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
      },
      AssumedRoleUser: user,
    }
  }

  return {
    async AssumeRole(c, parameters) {
      const caller = await authenticate(c)
      const text = parameters.need('RoleArn', ...arn)
      const session = parameters.need('RoleSessionName', ...name)
      const source = parameters.take('SourceIdentity', ...name)
      const externalId = parameters.take('ExternalId', /^[\w+=,.@:/-]*$/, [2, 1224])
      const tags = tagsIn(parameters)
      const policy = policyIn(parameters)
      const role = roleIn(text, 'sts:AssumeRole', caller.arn)
      const chained = caller.role !== undefined
      const duration = durationIn(parameters, chained ? longestChained : role.maxSessionDuration)
      parameters.done()

      roles.admit(caller, 'sts:AssumeRole', text)
      const { trust } = role
      const trusted =
        trust.account &&
        (trust.externalId === undefined || trust.externalId === externalId) &&
        (source === undefined || trust.setSourceIdentity) &&
        (Object.keys(tags).length === 0 || trust.tagSession)
      if (!trusted) throw denied(caller.arn, 'sts:AssumeRole', text)
      const scope = { tags, source, policy, duration }
      const answer = {
        ...minted(role, session, { duration, policy, chained, scope }),
        SourceIdentity: source,
        PackedPolicySize: 6,
      }
      return (settings.rewrite?.(answer) as Answer | undefined) ?? answer
    },

    async AssumeRoleWithWebIdentity(_, parameters) {
      const text = parameters.need('RoleArn', ...arn)
      const session = parameters.need('RoleSessionName', ...name)
      const token = parameters.need('WebIdentityToken', anyText, [4, 20_000])
      const policy = policyIn(parameters)
      const role = roleIn(text, 'sts:AssumeRoleWithWebIdentity', 'anonymous')
      const duration = durationIn(parameters, role.maxSessionDuration)
      parameters.done()
      const { webIdentity } = role.trust
      if (!webIdentity) throw denied('anonymous', 'sts:AssumeRoleWithWebIdentity', text)
      const subject = await webIdentitySubject(token, webIdentity, clock)
      const scope = { policy, duration, subject }
      return {
        ...minted(role, session, { duration, policy, chained: false, scope }),
        SubjectFromWebIdentityToken: subject,
        Audience: webIdentity.audience,
        Provider: webIdentity.issuer,
      }
    },

    // "No permissions are required", and no policy can take it away.
    async GetCallerIdentity(c, parameters) {
      const caller = await authenticate(c)
      parameters.done()
      return { Arn: caller.arn, UserId: caller.userId, Account: settings.account }
    },
  }
}

function tagsIn(parameters: Parameters): Record<string, string> {
  const count = parameters.members('Tags')
  if (count > mostTags) throw invalid(`Value at 'tags' failed to satisfy constraint: at most ${mostTags}`)
  const tags = Array.from({ length: count }, (_, index) => {
    const at = `Tags.member.${index + 1}`
    return [
      parameters.need(`${at}.Key`, tagText, [1, 128]),
      parameters.need(`${at}.Value`, tagText, [0, 256]),
    ] as const
  })
  // "Tag key–value pairs are not case sensitive", and `aws:` is reserved.
  const keys = tags.map(([key]) => key.toLowerCase())
  if (new Set(keys).size < keys.length || keys.some((key) => key.startsWith('aws:')))
    throw invalid("Value at 'tags' failed to satisfy constraint: keys are unique and not reserved")
  return Object.fromEntries(tags)
}

function denied(caller: string, action: string, resource: string): AwsRefusal {
  return new AwsRefusal(
    403,
    'AccessDenied',
    `User: ${caller} is not authorized to perform: ${action} on resource: ${resource}`,
  )
}

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() })

/** "Create an OpenID Connect identity provider in IAM": the issuer is asked for its keys each time. */
async function webIdentitySubject(
  token: string,
  { issuer, audience, subject }: NonNullable<AwsRole['trust']['webIdentity']>,
  clock: Clock,
): Promise<string> {
  const fetched = async (url: string) => {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5_000) })
    if (!answer.ok) throw new Error('not published')
    return await answer.json()
  }
  let keys: JSONWebKeySet
  try {
    const { issuer: said, jwks_uri } = discovery.parse(
      await fetched(`${issuer}/.well-known/openid-configuration`),
    )
    if (said !== issuer) throw new Error('another issuer')
    keys = (await fetched(jwks_uri)) as JSONWebKeySet
  } catch {
    throw new AwsRefusal(
      400,
      'IDPCommunicationError',
      "Couldn't retrieve verification key from your identity provider",
    )
  }
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer,
      audience,
      // "AssumeRoleWithWebIdentity": tokens must be signed with one of these.
      algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
      requiredClaims: ['sub', 'exp', 'iat'],
      currentDate: new Date(clock.now()),
      ...(subject !== undefined && { subject }),
    })
    return payload.sub!
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      throw new AwsRefusal(400, 'ExpiredTokenException', 'Token expired')
    throw new AwsRefusal(400, 'InvalidIdentityToken', 'No OpenIDConnect provider found for this token')
  }
}
