import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { endpoint } from '../endpoint-schema.ts'
import { keySource, type KeySource } from './key-source.ts'

/**
 * What an issuer may sign with. All asymmetric: with HS256 on this list, the
 * public key, known to all, would be the signing secret.
 */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/**
 * The greatest `max_age`, in seconds. It also bounds how long a used token is
 * remembered, so a reload that raises `max_age` cannot revive one.
 */
export const longestMaxAge = 86_400

const audience = z.string().min(1).max(1024)

/** One entry of `issuers:` (design §8). */
export const issuerConfig = z.strictObject({
  issuer: endpoint,
  /** Default: the broker's own `url`. */
  audience: z.union([audience, z.array(audience).min(1)]).optional(),
  algorithms: z.array(z.enum(algorithms)).min(1).default(['RS256', 'ES256', 'EdDSA']),
  /** Seconds since `iat`. */
  max_age: z.int().min(1).max(longestMaxAge).default(3600),
  /** Whether one token opens one task. */
  single_use: z.boolean().default(true),
  /** The claims that name one run of a job, or one session of a cloud agent. Default: those of a known platform. */
  session: z.array(z.string().min(1).max(200)).min(1).max(8).optional(),
  /** Instead of discovery; may be on another origin, since the operator vouches for it. */
  jwks_uri: endpoint.optional(),
  /** A PEM file. Whoever builds `fetch` reads it. */
  ca: z.string().min(1).optional(),
})
export type IssuerConfig = z.infer<typeof issuerConfig>

/** A trusted issuer, compiled. */
export interface Issuer {
  /** Its key under `issuers:`. */
  readonly name: string
  /** Its `iss`, exactly as its tokens carry it. */
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  /** Seconds since `iat`. */
  readonly maxAge: number
  readonly singleUse: boolean
  /** The claims that name a session; undefined: those of a known platform. */
  readonly session: readonly string[] | undefined
  readonly keys: KeySource
}

/**
 * Trusted issuers by their exact `iss`. The lookup comes before any network
 * call, and nothing is normalised: a prefix or another spelling is another issuer.
 */
export type Issuers = ReadonlyMap<string, Issuer>

/** `fetch` is bound to the issuer's CA where one is configured. No network call is made here. */
export function compileIssuer(
  name: string,
  config: IssuerConfig,
  options: { fetch: typeof globalThis.fetch; clock: Clock; defaultAudience: string },
): Issuer {
  const { issuer, jwks_uri: jwksUri } = config
  const { fetch, clock, defaultAudience } = options
  return Object.freeze({
    name,
    issuer,
    audiences: Object.freeze([config.audience ?? defaultAudience].flat()),
    algorithms: Object.freeze([...config.algorithms]),
    maxAge: config.max_age,
    singleUse: config.single_use,
    session: config.session && Object.freeze([...config.session]),
    keys: keySource({ name, issuer, jwksUri, fetch, clock }),
  })
}
