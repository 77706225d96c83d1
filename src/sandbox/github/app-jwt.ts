import { compactVerify } from 'jose'
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { refusal } from './refusal.ts'

/** Seconds, from "Generating a JSON Web Token (JWT) for a GitHub App". */
const longestLife = 600
/** Seconds. That page has clients set `iat` a minute back "to protect against clock drift". */
const clockSkew = 60

const undecodable = 'A JSON web token could not be decoded'

const payload = z.object({
  iss: z.union([z.number(), z.string()]),
  iat: z.unknown().optional(),
  exp: z.unknown().optional(),
})

/**
 * Checks that a request is the app's own. The messages about time are those
 * by which `@octokit/auth-app` recognises clock skew and corrects it.
 *
 * @throws a refusal, 401
 */
export function appJwtCheck(
  appId: number,
  publicKey: KeyObject,
  clock: Clock,
): (authorization: string | undefined) => Promise<void> {
  /** Accepted JWTs and their `exp`: a load test is to measure the broker, not this verification. */
  const accepted = new Map<string, number>()

  return async (authorization) => {
    const jwt = /^bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1]
    if (jwt === undefined) throw refusal(401, undecodable)
    const now = clock.now() / 1000
    if ((accepted.get(jwt) ?? 0) > now) return

    const { iss, iat, exp } = await decode(jwt, publicKey)
    if (String(iss) !== String(appId)) throw refusal(401, undecodable)
    if (typeof exp !== 'number' || exp <= now) {
      throw refusal(
        401,
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
      )
    }
    if (!Number.isInteger(iat) || (iat as number) > now + clockSkew) {
      throw refusal(
        401,
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
      )
    }
    if (exp > now + longestLife + clockSkew) {
      throw refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    }
    for (const [old, end] of accepted) if (end <= now) accepted.delete(old)
    accepted.set(jwt, exp)
  }
}

async function decode(jwt: string, publicKey: KeyObject): Promise<z.infer<typeof payload>> {
  try {
    const verified = await compactVerify(jwt, publicKey, { algorithms: ['RS256'] })
    return payload.parse(JSON.parse(new TextDecoder().decode(verified.payload)))
  } catch {
    throw refusal(401, undecodable)
  }
}
