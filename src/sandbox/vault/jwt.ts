/** Logins with a JWT that the broker signs ("JWT/OIDC auth method", `path_login.go`). */
import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { refusal } from './refusal.ts'
import type { JwtRole, VaultSettings } from './settings.ts'
import type { Made } from './tokens.ts'

export const loginRequest = z.strictObject({ role: z.string(), jwt: z.string() })

/** Seconds: `clock_skew_leeway`. */
const leeway = 60

/** What the token of this login is made with. @throws a refusal, 400 */
export async function loginOf(
  { role: name, jwt }: z.infer<typeof loginRequest>,
  settings: VaultSettings,
  clock: Clock,
): Promise<Made> {
  const role = Object.hasOwn(settings.jwt.roles, name) ? settings.jwt.roles[name] : undefined
  if (!role) throw refusal(400, `role ${JSON.stringify(name)} could not be found`)
  const { sub = '' } = await verified(jwt, role, settings, clock)
  return {
    policies: [...role.tokenPolicies, 'default'].toSorted(),
    // Who logs in gets an identity, one for each `user_claim`.
    entityId: `entity-${sub}`,
    displayName: `jwt-${sub}`,
    meta: { role: name },
    path: 'auth/jwt/login',
    ttl: role.tokenTtl,
    explicitMaxTtl: 0,
    renewable: true,
  }
}

async function verified(
  jwt: string,
  { boundAudiences, boundSubject }: JwtRole,
  settings: VaultSettings,
  clock: Clock,
): Promise<JWTPayload> {
  const { jwksUrl, boundIssuer } = settings.jwt
  let claims: JWTPayload
  try {
    // Asked for each time: a key that its issuer has withdrawn counts no longer.
    const keys = createLocalJWKSet((await (await fetch(jwksUrl)).json()) as JSONWebKeySet)
    const { payload } = await jwtVerify(jwt, keys, {
      algorithms: ['RS256'],
      currentDate: new Date(clock.now()),
      clockTolerance: leeway,
      requiredClaims: ['exp', 'sub'],
      ...(boundIssuer !== undefined && { issuer: boundIssuer }),
      ...(boundSubject !== undefined && { subject: boundSubject }),
      ...(boundAudiences.length > 0 && { audience: boundAudiences }),
    })
    claims = payload
  } catch (error) {
    const fault =
      error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud'
        ? 'invalid audience (aud) claim: audience claim does not match any expected audience'
        : 'error verifying token signature or claims'
    throw refusal(400, `error validating token: ${fault}`)
  }
  // "If there are no bound audiences for the role, then the existence of any audience … should result in an error."
  if (boundAudiences.length === 0 && claims.aud !== undefined)
    throw refusal(400, 'audience claim found in JWT but no audiences bound to the role')
  return claims
}
