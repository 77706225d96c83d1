/** The two ways in which a person logs in: in a browser on this machine, or on any device with a code. */
import { NoIdentity } from '../no-identity.ts'
import { listenForAnswer } from './loopback.ts'
import { asked, type OpenId, type Provider } from './provider.ts'

/** What the person has to do, while the login waits for it. */
export type Step =
  /** Opened in a browser on this machine. */
  | { do: 'open'; url: string }
  /** Opened anywhere, where the code is typed. */
  | { do: 'enter_code'; url: string; code: string; complete: string | undefined }

export type Tokens = Pick<
  Awaited<ReturnType<OpenId['refreshTokenGrant']>>,
  'claims' | 'id_token' | 'refresh_token'
>

interface Flow {
  signal: AbortSignal
  tell: (step: Step) => void
}

/** Authorization code with PKCE (RFC 7636), state, nonce and the issuer in the answer (RFC 9207). @throws NoIdentity */
export async function logInWithBrowser(
  { openid, config, scope }: Provider,
  { signal, tell }: Flow,
): Promise<Tokens> {
  const { issuer } = config.serverMetadata()
  const [verifier, state, nonce] = [
    openid.randomPKCECodeVerifier(),
    openid.randomState(),
    openid.randomNonce(),
  ]
  const challenge = await openid.calculatePKCECodeChallenge(verifier)
  const sendTo = (redirect: string) =>
    openid.buildAuthorizationUrl(config, {
      redirect_uri: redirect,
      scope,
      state,
      nonce,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
  await using page = await listenForAnswer(state, sendTo, signal)
  tell({ do: 'open', url: page.start })
  const answer = await page.answer
  const checks = {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  }
  const tokens = await refusable(issuer, openid.authorizationCodeGrant(config, answer, checks))
  page.finish('You are logged in, and can close this window.')
  return tokens
}

/** Device authorization (RFC 8628). @throws NoIdentity */
export async function logInWithCode(
  { openid, config, scope }: Provider,
  { signal, tell }: Flow,
): Promise<Tokens> {
  const { issuer } = config.serverMetadata()
  const device = await refusable(issuer, openid.initiateDeviceAuthorization(config, { scope }))
  const { verification_uri: url, user_code: code, verification_uri_complete: complete } = device
  tell({ do: 'enter_code', url, code, complete })
  return await refusable(
    issuer,
    openid.pollDeviceAuthorizationGrant(config, device, undefined, { signal }),
    signal,
  )
}

/** What the issuer says in its own way, in words of ours: its own may quote what was sent. @throws NoIdentity */
export async function refusable<Answer>(
  issuer: string,
  answer: Promise<Answer>,
  signal?: AbortSignal,
): Promise<Answer> {
  try {
    return await asked(issuer, answer)
  } catch (error) {
    if (error instanceof NoIdentity) throw error
    if (signal?.aborted) throw signal.reason
    const code = errorOf(error)
    throw new NoIdentity(
      `the issuer ${issuer} ${words[code] ?? `did not log you in (${code})`}`,
      'Try again; if it goes on, tell whoever runs the broker.',
    )
  }
}

const words: Record<string, string> = {
  access_denied: 'was told no',
  expired_token: 'has waited too long',
  invalid_grant: 'no longer knows this login',
  invalid_client: 'does not know the client that the broker names',
  unauthorized_client: 'does not let the client that the broker names log in so',
}

/** RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5; or what the library found wrong with the answer. */
export function errorOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no answer'
  const { error: code, code: fault } = error as { error?: unknown; code?: unknown }
  const named = [code, fault].find((each) => typeof each === 'string' && /^[\w-]{1,64}$/.test(each))
  return typeof named === 'string' ? named : 'an answer that cannot be believed'
}
