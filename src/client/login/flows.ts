/** The two ways in which a person logs in: in a browser on this machine, or on any device with a code. */
import { listenForAnswer } from './loopback.ts'
import type { OpenId, Provider } from './provider.ts'
import { heard } from './refusal.ts'

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
  const tokens = await heard(issuer, openid.authorizationCodeGrant(config, answer, checks))
  page.finish('You are logged in, and can close this window.')
  return tokens
}

/** Device authorization (RFC 8628). @throws NoIdentity */
export async function logInWithCode(
  { openid, config, scope }: Provider,
  { signal, tell }: Flow,
): Promise<Tokens> {
  const { issuer } = config.serverMetadata()
  const device = await heard(issuer, openid.initiateDeviceAuthorization(config, { scope }))
  const { verification_uri: url, user_code: code, verification_uri_complete: complete } = device
  tell({ do: 'enter_code', url, code, complete })
  return await heard(
    issuer,
    openid.pollDeviceAuthorizationGrant(config, device, undefined, { signal }),
    signal,
  )
}
