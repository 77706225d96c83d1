/**
 * Logging in with a browser: authorization code with PKCE (RFC 7636), state, nonce and the issuer in the
 * answer (RFC 9207), as the public client that `mayfly login --admin` is (docs/decisions/0064).
 */
import type { Configuration } from 'openid-client'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../base/endpoint.ts'
import { BrokerError } from '../base/errors.ts'
import { errorOf, mayLogInAt } from '../base/openid.ts'
import type { Seal } from '../base/seal.ts'
import { type AdminLogin, consolePath } from '../control/console.ts'
import type { Issuer } from '../identity/issuer.ts'
import { networkFault } from '../outbound/network-fault.ts'

export const callbackPath = `${consolePath}/callback`

/** Milliseconds that somebody may take to log in. */
export const loginMs = 600_000
/** How long what an issuer says of itself is believed. */
const knownForMs = 3_600_000
const patienceS = 10

const library = () => import('openid-client')

/** What is kept of a login while its browser is at the issuer. */
const begun = z.object({
  issuer: z.string(),
  approval: z.string(),
  verifier: z.string(),
  state: z.string(),
  nonce: z.string(),
  until: z.number(),
})
export type Begun = z.infer<typeof begun>

/** Sealed in a cookie of that browser: nobody can fill a memory with logins, and no other browser can finish one. */
const place = { table: 'console', column: 'login', row: 'cookie' }

export interface Context {
  seal: Seal
  clock: Clock
}

/** Where to send the browser, and what it is to bring back. @throws BrokerError `unavailable` */
export async function beginLogin(
  { seal, clock }: Context,
  at: AdminLogin,
  { url, approval }: { url: string; approval: string },
): Promise<{ location: string; kept: string }> {
  const openid = await library()
  const config = await clientAt(at, clock)
  const login: Begun = {
    issuer: at.issuer.name,
    approval,
    verifier: openid.randomPKCECodeVerifier(),
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    until: clock.now() + loginMs,
  }
  const location = openid.buildAuthorizationUrl(config, {
    redirect_uri: `${url}${callbackPath}`,
    // Whoever can approve is not renewed behind their back.
    scope: at.login.scopes.filter((each) => each !== 'offline_access').join(' '),
    state: login.state,
    nonce: login.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(login.verifier),
    code_challenge_method: 'S256',
  })
  return { location: location.href, kept: seal.seal(JSON.stringify(login), place) }
}

/** The login that this browser has begun; undefined where it has none, or took too long. */
export function begunLogin({ seal, clock }: Context, kept: string | undefined): Begun | undefined {
  if (kept === undefined) return undefined
  try {
    const login = begun.parse(JSON.parse(seal.open(kept, place)))
    return clock.now() < login.until ? login : undefined
  } catch {
    return undefined
  }
}

/** The ID token that the issuer gives for its answer. @throws BrokerError `invalid_token`, `unavailable` */
export async function finishLogin(
  { clock }: Context,
  at: AdminLogin,
  { verifier, state, nonce }: Begun,
  answer: URL,
): Promise<string> {
  const openid = await library()
  const config = await clientAt(at, clock)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
  const tokens = await heard(
    at.issuer,
    openid.authorizationCodeGrant(config, answer, { ...checks, idTokenExpected: true }),
  )
  return tokens.id_token!
}

const clients = new WeakMap<Issuer, { config: Promise<Configuration>; until: number }>()

/** Each configuration has issuers of its own: what was found out of those before is forgotten with them. */
async function clientAt(at: AdminLogin, clock: Clock): Promise<Configuration> {
  const known = clients.get(at.issuer)
  if (known && clock.now() < known.until) return await known.config
  const config = discover(at)
  clients.set(at.issuer, { config, until: clock.now() + knownForMs })
  try {
    return await config
  } catch (error) {
    clients.delete(at.issuer)
    throw error
  }
}

async function discover({ issuer, client, login }: AdminLogin): Promise<Configuration> {
  const openid = await library()
  const url = issuer.issuer
  const config = await heard(
    issuer,
    openid.discovery(new URL(url), client, { token_endpoint_auth_method: 'none' }, openid.None(), {
      timeout: patienceS,
      [openid.customFetch]: (at, init) => login.fetch(at, init as RequestInit),
      execute: isLoopback(url) ? [openid.allowInsecureRequests] : [],
    }),
  )
  if (mayLogInAt(config.serverMetadata(), url)) return config
  throw new BrokerError(
    'unavailable',
    `the issuer ${issuer.name} is not what it says, or would take a login over an open connection`,
  )
}

/** What the issuer answers; what it refuses, in words of ours: its own may quote what was sent. */
async function heard<Answer>({ name }: Issuer, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    const fault = networkFault(cause)
    if (fault) throw new BrokerError('unavailable', `the issuer ${name}: ${fault.words}`, { cause })
    throw new BrokerError('invalid_token', `the issuer ${name} did not log you in (${errorOf(cause)})`, {
      cause,
    })
  }
}
