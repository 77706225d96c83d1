import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  type CryptoKey,
  type JWK,
  type JWSHeaderParameters,
} from 'jose'
import { z } from 'zod'
import { withinLimit, type Clock } from '../base/clock.ts'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { networkFault } from '../outbound/network-fault.ts'
import { isUsable } from './key-strength.ts'

/** For discovery and key set together, headers and bodies. */
const answerWithinMs = 5_000
/** Bytes of one answer, after decompression. */
const bodyLimit = 256 * 1024
const mostKeys = 100

/** Seconds for which a failure is remembered, and after which trying again makes sense. */
export const retryAfter = 5

/** Where an issuer's keys come from. */
export interface KeyOrigin {
  /** The issuer's name in the configuration, for messages. */
  name: string
  /** Its `iss`. */
  issuer: string
  /** Set where the operator names the key set; then there is no discovery. */
  jwksUri: string | undefined
  /** The bearer token that discovery and key set want, read at each fetch. @throws where it cannot be read. */
  token?: (() => string) | undefined
  fetch: typeof globalThis.fetch
  clock: Clock
}

/** The one of an issuer's keys that a token's header names. */
export type FindKey = (header: JWSHeaderParameters) => Promise<CryptoKey>

const discoveryDocument = z.object({ issuer: z.string(), jwks_uri: z.string() })
const keySet = z.object({ keys: z.array(z.unknown()) })

/**
 * Fetches the keys with which an issuer signs now: OpenID Connect Discovery 1.0
 * §4, then RFC 7517 §5. Messages name the issuer as configured and never hold
 * what it answered.
 *
 * @throws BrokerError `invalid_token` when the answer cannot be trusted,
 * `unavailable` when there was none (also on 429 and 5xx).
 */
export async function fetchKeys(origin: KeyOrigin): Promise<FindKey> {
  const fetched = await withinLimit(origin.clock, answerWithinMs, async (signal) => {
    const uri = origin.jwksUri ?? (await discover(origin, signal))
    return keySet.safeParse(await getJson(origin, uri, 'key set', signal))
  })
  if (!fetched.success) throw untrusted(origin, 'its key set has no list of keys')
  if (fetched.data.keys.length > mostKeys)
    throw untrusted(origin, `its key set has more than ${mostKeys} keys`)
  const keys = fetched.data.keys.map(forSignatures).filter(isUsable)
  if (keys.length === 0) throw untrusted(origin, 'its key set has no usable key')
  const named = createLocalJWKSet({ keys: await once(keys) })
  // A token without `kid` may be of any of them: names make no difference then.
  const nameless = createLocalJWKSet({ keys: await once(keys.map(({ kid: _kid, ...jwk }) => jwk)) })
  return (header) => (header.kid === undefined ? nameless(header) : named(header))
}

/** A SPIFFE bundle marks what signs JWT-SVIDs in its own way (SPIFFE Trust Domain and Bundle §4.1). */
function forSignatures(jwk: unknown): unknown {
  const marked = typeof jwk === 'object' && jwk !== null && 'use' in jwk && jwk.use === 'jwt-svid'
  return marked ? { ...jwk, use: 'sig' } : jwk
}

/**
 * A key that is listed twice is one key: otherwise a token would not say which of the two signed
 * it. Two different keys under one `kid` stay two, and a token that names it is refused.
 */
async function once(keys: JWK[]): Promise<JWK[]> {
  const distinct = new Map<string, JWK>()
  for (const listed of keys) {
    const jwk = { ...listed }
    const key = JSON.stringify([jwk.kid, await calculateJwkThumbprint(jwk)])
    const first = distinct.get(key)
    // For one algorithm here and another, or any, there: the narrower word would lose the wider.
    if (!first) distinct.set(key, jwk)
    else if (first.alg !== jwk.alg) delete first.alg
  }
  return [...distinct.values()]
}

async function discover(origin: KeyOrigin, signal: AbortSignal): Promise<string> {
  const url = `${origin.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const parsed = discoveryDocument.safeParse(await getJson(origin, url, 'discovery document', signal))
  if (!parsed.success) throw untrusted(origin, 'its discovery document has no issuer or no jwks_uri')
  // Discovery §4.3: without this, whoever serves one path there could speak for another issuer.
  if (parsed.data.issuer !== origin.issuer)
    throw untrusted(origin, 'its discovery document names another issuer')
  const uri = URL.parse(parsed.data.jwks_uri)
  // A document that points elsewhere would make the broker call hosts that no operator named.
  if (uri?.origin !== new URL(origin.issuer).origin || uri.username || uri.password)
    throw untrusted(
      origin,
      "its jwks_uri is not on the issuer's own origin; configure jwks_uri if it belongs there",
    )
  return uri.href
}

/** A Kubernetes API server has its keys as `application/jwk-set+json` alone, and answers 406 to who does not take that. */
const acceptable = 'application/json, application/jwk-set+json'

/** For the issuer, and the key set that the operator named, only. */
function bearer({ name, issuer, jwksUri, token }: KeyOrigin, url: string): Record<string, string> {
  if (!token || (url !== jwksUri && new URL(url).origin !== new URL(issuer).origin)) return {}
  try {
    return { authorization: `Bearer ${token()}` }
  } catch (cause) {
    throw new BrokerError('unavailable', `issuer ${name}: its token cannot be read`, { retryAfter, cause })
  }
}

async function getJson(origin: KeyOrigin, url: string, what: string, signal: AbortSignal): Promise<unknown> {
  let bytes: Uint8Array
  try {
    const response = await origin.fetch(url, {
      redirect: 'manual',
      headers: { accept: acceptable, ...bearer(origin, url) },
      signal,
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw refusedWith(origin, what, response.status)
    }
    bytes = await readBody(origin, what, response)
  } catch (cause) {
    if (isBrokerError(cause)) throw cause
    const fault = networkFault(cause)
    throw silent(origin, `its ${what} could not be fetched${fault ? `: ${fault.words}` : ''}`, cause)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw untrusted(origin, `its ${what} is not JSON`)
  }
}

/** Counts while reading: a length that the other side declares limits nothing (CVE-2024-34079). */
async function readBody(origin: KeyOrigin, what: string, response: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    if (size > bodyLimit) throw untrusted(origin, `its ${what} is larger than ${bodyLimit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function refusedWith(origin: KeyOrigin, what: string, status: number): BrokerError {
  if (status === 429 || status >= 500) return silent(origin, `its ${what} was answered with ${status}`)
  if (status >= 300 && status < 400)
    return untrusted(origin, `its ${what} is a redirect, which is not followed`)
  return untrusted(origin, `its ${what} was answered with ${status}`)
}

function untrusted(origin: KeyOrigin, what: string): BrokerError {
  return new BrokerError('invalid_token', `issuer ${origin.name}: ${what}`)
}

function silent(origin: KeyOrigin, what: string, cause?: unknown): BrokerError {
  return new BrokerError('unavailable', `issuer ${origin.name}: ${what}`, { retryAfter, cause })
}
