/** Verifies an OIDC token and makes its principal: the only way to get one. */
import { errors, type JWSHeaderParameters, UnsecuredJWT } from 'jose'
import type { Clock } from '../base/clock.ts'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { sha256 } from '../base/sha256.ts'
import { shown } from '../base/text.ts'
import { decode } from './decode.ts'
import { longestMaxAge, type Issuer, type Issuers } from './issuer.ts'
import type { Principal } from './principal.ts'
import { isSignedBy } from './signature.ts'

/** Seconds by which the issuer's clock and ours may differ. */
const tolerance = 60
const subjectLimit = 1024

/**
 * `typ` of tokens that say who somebody is. RFC 8725 §3.11: a logout token or a
 * DPoP proof, signed with the same key, says something else. `JOSE` is a JWT-SVID's.
 */
const types = new Set(['jwt', 'at+jwt', 'jose'])

/** Header parameters by which a token brings, or points to, the key to check it with. */
const bringsItsKey = ['jwk', 'jku', 'x5u', 'x5c']

/** What a token proved. */
export interface VerifiedToken {
  principal: Principal
  /** Every audience it names; each was accepted. */
  audiences: string[]
  /** Hex. Equal for two tokens of one issuer with the same `jti` or, where there is none, the same signing input. */
  replayKey: string
  /** Milliseconds since 1970: from then on it fails under every configuration. */
  usableUntil: number
  /** Whether its issuer's tokens open one task each. */
  singleUse: boolean
}

/**
 * Verifies a workload's or an admin's OIDC token. `audiences` replaces what the
 * issuer's tokens may be meant for; an empty list accepts none.
 *
 * @throws BrokerError `invalid_token`, naming the claim and the reason and never
 * a value; `unavailable` when the issuer's keys cannot be had.
 */
export async function verify(
  token: string,
  issuers: Issuers,
  options: { clock: Clock; audiences?: (issuer: Issuer) => string[] },
): Promise<VerifiedToken> {
  const { header, claims, signingInput, signature } = decode(token)
  const issuer = issuerOf(claims, issuers)
  if (!issuer) throw invalid('iss is not a trusted issuer')
  const signedBy = checkHeader(header, issuer)
  const accepted = options.audiences?.(issuer) ?? issuer.audiences
  try {
    const key = await issuer.keys(signedBy)
    if (!isSignedBy(key, signedBy.alg, signingInput, signature))
      throw new errors.JWSSignatureVerificationFailed()
    UnsecuredJWT.decode(unsecured(signingInput, claims), {
      ...(claims['iss'] !== undefined && { issuer: issuer.issuer }),
      audience: [...accepted],
      clockTolerance: tolerance,
      maxTokenAge: issuer.maxAge,
      // jose accepts a token without `exp` unless told.
      requiredClaims: ['sub', 'aud', 'exp', 'iat'],
      // Read after the wait for the keys, during which the token may have expired.
      currentDate: new Date(options.clock.now()),
    })
  } catch (error) {
    throw translate(error, accepted)
  }
  const { exp, iat, jti } = claims
  const audiences = checkAudiences(claims['aud'], accepted)
  const subject = claims['sub']
  if (typeof subject !== 'string' || subject === '' || subject.length > subjectLimit)
    throw invalid(`sub is not a string of 1 to ${subjectLimit} characters`)
  // A SPIFFE ID says itself which trust domain it is of, and only that one's keys may say so.
  if (issuer.issuer.startsWith(spiffe) && !subject.startsWith(`${issuer.issuer}/`))
    throw invalid('sub is not of the trust domain')
  // Who may name a branch writes part of it, and approvers read it.
  if (!shown.test(subject)) throw invalid('sub has characters that do not show')
  // JSON has no NaN, but 1e999 parses as Infinity, which is greater than any clock.
  if (!Number.isFinite(exp)) throw invalid('exp is not a finite number')
  if (!Number.isFinite(iat)) throw invalid('iat is not a finite number')
  if (jti !== undefined && (typeof jti !== 'string' || jti === ''))
    throw invalid('jti is not a non-empty string')
  return {
    // The one place that makes a principal of a token: its signature has just been checked.
    principal: { issuer: issuer.name, iss: issuer.issuer, subject, claims } as unknown as Principal,
    audiences,
    replayKey: replayKey(issuer.issuer, jti, signingInput),
    usableUntil: usableUntil(claims),
    singleUse: issuer.singleUse,
  }
}

const spiffe = 'spiffe://'

const unsecuredHeader = Buffer.from('{"alg":"none"}').toString('base64url')

/** jose checks claims only of a token whose signature it checks, or of one that has none: this one's has just been. */
function unsecured(signingInput: string, claims: Record<string, unknown>): string {
  const payload = signingInput.slice(signingInput.indexOf('.') + 1)
  // Of names with escapes only what `decode` has read of them counts (base/json.ts).
  const escaped = Buffer.from(payload, 'base64url').includes('\\')
  return `${unsecuredHeader}.${escaped ? Buffer.from(JSON.stringify(claims)).toString('base64url') : payload}.`
}

/** By `iss`, exactly; an SVID may leave it out (SPIFFE JWT-SVID §3), and is of the trust domain of its subject. */
export function issuerOf({ iss, sub }: Record<string, unknown>, issuers: Issuers): Issuer | undefined {
  if (typeof iss === 'string') return issuers.get(iss)
  if (iss !== undefined || typeof sub !== 'string' || !sub.startsWith(spiffe)) return undefined
  const end = sub.indexOf('/', spiffe.length)
  return end < 0 ? undefined : issuers.get(sub.slice(0, end))
}

/** When a token with these claims fails whatever is configured, milliseconds since 1970. */
export function usableUntil({ exp, iat }: Principal['claims']): number {
  const lastSecond = Math.min(Number(exp), Number(iat) + longestMaxAge) + tolerance
  return (Math.floor(lastSecond) + 1) * 1000
}

function checkHeader(header: Record<string, unknown>, issuer: Issuer): JWSHeaderParameters & { alg: string } {
  if (typeof header['alg'] !== 'string' || !issuer.algorithms.includes(header['alg']))
    throw invalid('alg is not one that this issuer may use')
  for (const name of bringsItsKey)
    if (Object.hasOwn(header, name)) throw invalid(`${name} is set, and a token cannot bring its own key`)
  if (Object.hasOwn(header, 'crit')) throw invalid('crit is set, and no extension is understood')
  const { typ } = header
  if (
    typ !== undefined &&
    !(typeof typ === 'string' && types.has(typ.toLowerCase().replace(/^application\//, '')))
  )
    throw invalid('typ is not that of an identity token')
  if (header['kid'] !== undefined && typeof header['kid'] !== 'string') throw invalid('kid is not a string')
  return { ...header, alg: header['alg'] }
}

/** jose is content with one audience that fits; each other one could replay the token here. */
function checkAudiences(aud: unknown, accepted: readonly string[]): string[] {
  const audiences = [aud].flat()
  if (!audiences.every((one) => typeof one === 'string' && accepted.includes(one)))
    throw invalid('aud names somebody else as well')
  return audiences as string[]
}

/**
 * Over issuer and `jti`, or over the signing input. Never over the whole token:
 * an ECDSA signature has a second valid form. As JSON, so that no choice of `jti`
 * by one issuer runs into another's.
 */
function replayKey(iss: string, jti: string | undefined, signingInput: string): string {
  const identity = jti === undefined ? { iss, signingInput } : { iss, jti }
  return sha256(JSON.stringify(identity))
}

const checkFailed: Record<string, string> = {
  aud: 'aud is not for this broker',
  exp: 'exp has passed',
  iat: 'iat is in the future',
  nbf: 'nbf is in the future',
}

/** What jose and the key source throw, in our words: jose's errors carry the claims. */
function translate(error: unknown, audiences: readonly string[]): BrokerError {
  if (isBrokerError(error)) return error
  if (error instanceof errors.JWTExpired && error.claim === 'iat') return invalid('iat is too long ago')
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return invalid(`${error.claim} is missing`)
    if (error.reason === 'invalid') return invalid(`${error.claim} is not a number`)
    // Our audiences are no secret, and this is the commonest mistake of all.
    if (error.claim === 'aud' && audiences.length > 0)
      return invalid(`aud is not for this broker, which expects ${audiences.join(' or ')}`)
    return invalid(checkFailed[error.claim] ?? `${error.claim} is not acceptable`)
  }
  if (error instanceof errors.JWKSNoMatchingKey) return invalid('the issuer has no key for its kid and alg')
  // OpenID Connect Core §10.1: with several keys, a token has to name one.
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return invalid('kid does not tell which of several keys signed')
  return invalid('the signature does not verify')
}

function invalid(what: string): BrokerError {
  return new BrokerError('invalid_token', `the token was refused: ${what}`)
}
