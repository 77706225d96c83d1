/** An issuer that the configuration trusts: its entry, and what it compiles to. */
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { endpoint } from '../base/endpoint-schema.ts'
import { secretRef } from '../provider/secret-ref.ts'
import { keySource, type KeySource } from './key-source.ts'
import { namedBy, platformAt, platformOf, presets, type Tenancy } from './platforms.ts'

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

const defaultAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const

const audience = z.string().min(1).max(1024)

/** SPIFFE-ID §2.1: the trust domain's own id. */
const trustDomain = z.string().regex(/^spiffe:\/\/[a-z0-9._-]{1,255}$/)

/** RFC 6749 §2.2 and §3.3: what a client may be called, and one value of `scope`. */
const clientId = z.string().regex(/^[\x21-\x7e]{1,512}$/, 'is printable ASCII without spaces')
const scopeValue = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'is one value of `scope`')

/** How people log in there with a client of their own; everything in it is public. */
const login = z
  .strictObject({
    client_id: clientId.describe(
      'The public client of the command line: the audience of ID tokens that open tasks.',
    ),
    admin_client_id: clientId
      .optional()
      .describe('The public client of `mayfly login --admin`: the audience of ID tokens of admins.'),
    scopes: z
      .array(scopeValue)
      .max(32)
      .default(['openid', 'email', 'offline_access'])
      .transform((scopes) => Object.freeze([...new Set(['openid', ...scopes])]))
      .describe('What is asked of the issuer; with offline_access a login is renewed.'),
  })
  .refine(({ client_id, admin_client_id }) => client_id !== admin_client_id, {
    path: ['admin_client_id'],
    error:
      'is the client of those who open tasks: whoever has an assistant would have an admin’s token at hand',
    params: { remedy: 'Register a second client for admins.' },
  })

const claimNames = z.array(z.string().min(1).max(200)).min(1).max(8)

/** One entry of `issuers:` (design §8). */
export const issuerConfig = z
  .strictObject({
    preset: z
      .enum(presets)
      .optional()
      .describe('A platform that is known: its issuer, tenancy, session, and how old its tokens get.'),
    issuer: z
      .union([endpoint, trustDomain])
      .optional()
      .describe(
        'The `iss` exactly as its tokens have it: an https URL, or spiffe://TRUST_DOMAIN. Default: that of the preset.',
      ),
    tenancy: z
      .union([z.literal('single'), claimNames])
      .optional()
      .describe(
        '`single` where all its tokens are of your own organization, or the claims that name whose they are.',
      ),
    audience: z
      .union([audience, z.array(audience).min(1)])
      .optional()
      .describe("Whom its tokens must be for. Default: the broker's own `url`."),
    algorithms: z
      .array(z.enum(algorithms))
      .min(1)
      .optional()
      .describe('What it may sign with. Default: those of the preset, or RS256, ES256 and EdDSA.'),
    max_age: z
      .int()
      .min(1)
      .max(longestMaxAge)
      .optional()
      .describe('Seconds since `iat`. Default: an hour, or as the preset says.'),
    single_use: z
      .boolean()
      .optional()
      .describe('Whether one token opens one task. Default: true, or as the preset says.'),
    session: claimNames
      .optional()
      .describe(
        'The claims that name one run of a job, or one session of a cloud agent. Default: those of a known platform.',
      ),
    login: login
      .optional()
      .describe('How people log in with `mayfly login`; published to whoever asks (`mayfly bootstrap`).'),
    // May be on another origin: the operator vouches for it.
    jwks_uri: endpoint.optional().describe('Where its keys are, instead of discovery.'),
    // Whoever compiles the issuer reads it.
    token: secretRef.optional().describe('A bearer token for discovery and keys, where they are not public.'),
    // Whoever builds `fetch` reads it.
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('A PEM file with the CA of the issuer; no other is trusted for it.'),
  })
  .transform((written, context) => {
    const known = written.preset === undefined ? undefined : platformOf(written.preset)
    const issuer = written.issuer ?? known?.url
    if (issuer === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['issuer'],
        message: known ? `each tenant of ${known.name} has an issuer of its own` : 'is missing',
        params: { remedy: 'Add it: the `iss` that its tokens carry.' },
      })
      return z.NEVER
    }
    if (issuer.startsWith('spiffe:') && written.jwks_uri === undefined)
      context.addIssue({
        code: 'custom',
        path: ['jwks_uri'],
        message: 'is missing, and a trust domain has no discovery',
        params: { remedy: "Name the trust domain's bundle endpoint." },
      })
    if (issuer.startsWith('spiffe:') && written.login !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['login'],
        message: 'is of an OpenID Connect issuer, and a trust domain has no login page',
        params: { remedy: 'Leave it out.' },
      })
    const platform = known ?? platformAt(issuer)
    const shared = platform?.url === issuer && platform.tenancy !== 'single' ? platform.tenancy : undefined
    if (shared && written.tenancy !== undefined && !separates(written.tenancy, shared))
      context.addIssue({
        code: 'custom',
        path: ['tenancy'],
        message: `does not tell the tenants of ${platform!.name} apart`,
        params: {
          remedy: `Leave it out: its tenants are told apart by ${Object.keys(shared.claims).join(', ')}.`,
        },
      })
    const { audience: meantFor, tenancy, session, max_age, single_use, algorithms: listed } = written
    return {
      issuer,
      audience: meantFor,
      jwks_uri: written.jwks_uri,
      token: written.token,
      ca: written.ca,
      login: written.login,
      platform: platform?.name,
      /** The preset that would say so, where single use is kept up for tokens that a workload cannot renew. */
      reusedAnyway:
        single_use === undefined && known === undefined && platform?.reused ? platform.preset : undefined,
      tenancy: Array.isArray(tenancy) ? namedBy(tenancy) : (tenancy ?? platform?.tenancy),
      session: session ?? platform?.session,
      algorithms: listed ?? known?.algorithms ?? defaultAlgorithms,
      max_age: max_age ?? known?.reused?.maxAge ?? 3600,
      // Only the preset changes what an entry that says nothing means.
      single_use: single_use ?? known?.reused === undefined,
    }
  })
export type IssuerConfig = z.output<typeof issuerConfig>

/** Whether one of these claims names a tenant of the platform; others may be anybody's to bring about. */
function separates(tenancy: 'single' | readonly string[], platform: Tenancy): boolean {
  return tenancy !== 'single' && tenancy.some((claim) => Object.hasOwn(platform.claims, claim))
}

/** How people log in with an issuer; in public terms, but for `fetch`. */
export interface IssuerLogin {
  /** The client of those who open tasks, and of admins. */
  readonly clientId: string
  readonly adminClientId: string | undefined
  readonly scopes: readonly string[]
  /** PEM: the CA of the issuer, where it has one of its own. */
  readonly ca: readonly string[] | undefined
  /** Reaches it, and trusts that CA. */
  readonly fetch: typeof globalThis.fetch
}

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
  /** Whose workloads it signs for. Undefined where nobody has said, as an issuer on loopback may leave it. */
  readonly tenancy: 'single' | Tenancy | undefined
  /** What its platform is called, or its own name. */
  readonly platform: string
  readonly keys: KeySource
  readonly login: IssuerLogin | undefined
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
  options: {
    fetch: typeof globalThis.fetch
    clock: Clock
    defaultAudience: string
    /** PEM: its CA, where it has one of its own. */
    ca?: readonly string[] | undefined
    /** The bearer token for discovery and keys, read at each fetch. */
    token?: () => string
  },
): Issuer {
  const { issuer, jwks_uri: jwksUri, login } = config
  const { fetch, clock, defaultAudience, token } = options
  return Object.freeze({
    name,
    issuer,
    // OpenID Connect Core §2: an ID token is for the client that asked for it, and for nobody else.
    audiences: Object.freeze(
      [config.audience ?? [defaultAudience, ...(login ? [login.client_id] : [])]].flat(),
    ),
    algorithms: Object.freeze([...config.algorithms]),
    maxAge: config.max_age,
    singleUse: config.single_use,
    session: config.session && Object.freeze([...config.session]),
    tenancy: config.tenancy,
    platform: config.platform ?? `the issuer ${name}`,
    keys: keySource({ name, issuer, jwksUri, fetch, clock, token }),
    login:
      login &&
      Object.freeze({
        clientId: login.client_id,
        adminClientId: login.admin_client_id,
        scopes: login.scopes,
        ca: options.ca && Object.freeze([...options.ca]),
        fetch,
      }),
  })
}
