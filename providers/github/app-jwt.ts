/** How the app proves itself: a JWT signed with its key, good for ten minutes (GitHub, "Generating a JWT"). */
import { SignJWT } from 'jose'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Clock } from '../../src/base/clock.ts'

/** Seconds. GitHub refuses a JWT that is good for longer than 600 by its own clock. */
const life = 540
/** Seconds that the JWT is dated back, so that a slightly slow GitHub does not find it in the future. */
const leeway = 30

/** Reads the key as GitHub gives it out (PKCS #1) or as PKCS #8. @throws Error that does not quote it. */
export function appKey(pem: string): KeyObject {
  let key: KeyObject
  try {
    // In an environment variable the line breaks are often written as `\n`.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    throw new Error('the private key is not a PEM private key')
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error('the private key is not an RSA key')
  return key
}

/**
 * Signs JWTs for the octokit hook. One is used until shortly before its end:
 * signing costs more than the rest of a request. The hook passes
 * `timeDifference` (seconds by which GitHub is ahead of this machine) after
 * GitHub has refused a JWT for its times; it is remembered, or every request
 * would first be refused.
 */
export function jwtSigner(key: KeyObject, clock: Clock) {
  let skew = 0
  let current: { jwt: string; expiresAt: string; freshUntil: number } | undefined
  return async (appId: string | number, timeDifference?: number) => {
    if (timeDifference !== undefined) {
      // The hook measures against the machine's clock, not against the one we were given.
      skew = Date.now() / 1000 + timeDifference - clock.now() / 1000
      current = undefined
    }
    if (current && clock.now() < current.freshUntil) return current
    const now = Math.floor(clock.now() / 1000 + skew)
    const jwt = await new SignJWT()
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(String(appId))
      .setIssuedAt(now - leeway)
      .setExpirationTime(now + life)
      .sign(key)
    const expiresAt = new Date((now + life) * 1000).toISOString()
    current = { jwt, expiresAt, freshUntil: clock.now() + (life - 60) * 1000 }
    return current
  }
}
