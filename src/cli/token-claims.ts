/** What a token claims of its issuer, audience and age, held against the configuration; its signature is not checked. */
import type { RuleSet } from '../config/rules.ts'
import { issuerOf } from '../identity/verify.ts'

export interface TokenClaims {
  /** Undefined where the configuration has no such issuer. */
  issuer: ReturnType<typeof issuerOf>
  audiences: string[]
  /** Those that its issuer's tokens are to have. */
  expected: readonly string[]
  /** Why the broker refuses such a token before it looks for an agent, where it does. */
  faults: { issuer?: string; audience?: string; age?: string }
}

/** `now` in seconds. */
export function readTokenClaims(rules: RuleSet, claims: Record<string, unknown>, now: number): TokenClaims {
  const issuer = issuerOf(claims, rules.issuers)
  const audiences = [claims['aud']].flat().filter((one) => typeof one === 'string')
  const expected = issuer?.audiences ?? []
  const forUs = audiences.length > 0 && audiences.every((one) => expected.includes(one))
  const { exp, iat } = claims
  const expired = typeof exp !== 'number' || exp <= now
  const tooOld = issuer !== undefined && (typeof iat !== 'number' || iat + issuer.maxAge <= now)
  return {
    issuer,
    audiences,
    expected,
    faults: {
      ...(!issuer && { issuer: 'not an issuer of the configuration' }),
      ...(issuer && !forUs && { audience: `not for this broker, which expects ${expected.join(' or ')}` }),
      ...(expired ? { age: 'it has expired' } : tooOld && { age: 'it is older than `max_age`' }),
    },
  }
}
