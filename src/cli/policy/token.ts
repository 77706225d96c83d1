/** What a token says of itself, held against the configuration; its signature is not checked. */
import type { RuleSet } from '../../config/rules.ts'
import { issuerOf } from '../../identity/verify.ts'

export interface Standing {
  issuer: ReturnType<typeof issuerOf>
  audiences: string[]
  /** Those that its issuer's tokens are to have. */
  expected: readonly string[]
  forUs: boolean
  expired: boolean
  tooOld: boolean
}

/** `now` in seconds. */
export function standingOf(rules: RuleSet, claims: Record<string, unknown>, now: number): Standing {
  const issuer = issuerOf(claims, rules.issuers)
  const audiences = [claims['aud']].flat().filter((one) => typeof one === 'string')
  const expected = issuer?.audiences ?? []
  const { exp, iat } = claims
  return {
    issuer,
    audiences,
    expected,
    forUs: audiences.length > 0 && audiences.every((one) => expected.includes(one)),
    expired: typeof exp !== 'number' || exp <= now,
    tooOld: issuer !== undefined && (typeof iat !== 'number' || iat + issuer.maxAge <= now),
  }
}

/** Why the broker refuses such a token before it looks for an agent; empty where it does not. */
export function refusalsOf({ issuer, audiences, expected, forUs, expired, tooOld }: Standing): string[] {
  if (!issuer) return ['its iss is not an issuer of the configuration']
  return [
    ...(forUs
      ? []
      : [
          `its audience ${audiences.join(', ') || 'is missing'}: not for this broker, which expects ${expected.join(' or ')}`,
        ]),
    ...(expired ? ['it has expired'] : tooOld ? ['it is older than `max_age`'] : []),
  ]
}
