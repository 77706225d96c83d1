/** The issuer as a client of it meets it, on `openid-client`. */
import type * as openid from 'openid-client'
import { isLoopback } from '../../base/endpoint.ts'
import { mayLogInAt } from '../../base/openid.ts'
import { outboundFetch } from '../../outbound/fetch.ts'
import { NoIdentity } from '../no-identity.ts'
import type { LoginIssuer } from './brokers.ts'
import type { Environment } from './files.ts'
import type { Login, LoginKind } from './keep.ts'
import { heard } from './refusal.ts'

export type OpenId = typeof openid

export interface Provider {
  openid: OpenId
  config: openid.Configuration
  client: string
  scope: string
}

const patienceS = 30

/** Loaded when it is wanted: most calls of the command line never log in. */
const library = () => import('openid-client')

/** What is known of an issuer by discovery. @throws NoIdentity */
export async function providerOf(
  { issuer, client_id, admin_client_id, scopes, ca }: LoginIssuer,
  kind: LoginKind,
  env: Environment,
): Promise<Provider> {
  const client = kind === 'admin' ? admin_client_id : client_id
  if (client === null)
    throw new NoIdentity(
      `admins do not log in at ${issuer} with this broker`,
      'Have `login.admin_client_id` set in its configuration, or give a token with --token-file.',
    )
  const oidc = await library()
  const call = outboundFetch({ env, ca: ca ?? undefined })
  const config = await heard(
    issuer,
    oidc.discovery(new URL(issuer), client, { token_endpoint_auth_method: 'none' }, oidc.None(), {
      timeout: patienceS,
      [oidc.customFetch]: (url, init) => call(url, init as RequestInit),
      execute: isLoopback(issuer) ? [oidc.allowInsecureRequests] : [],
    }),
  )
  if (!mayLogInAt(config.serverMetadata(), issuer))
    throw new NoIdentity(
      `the issuer ${issuer} is not what it says, or would take a login over an open connection`,
      'Tell whoever runs the broker: people log in there with it.',
    )
  // An admin's login is not renewed: what can approve ends by itself, an hour later or so.
  const scope = scopes.filter((each) => kind === 'workload' || each !== 'offline_access').join(' ')
  return { openid: oidc, config, client, scope }
}

/** Whose ID token it is, if it is one that the broker takes. @throws NoIdentity */
export function idTokenOf(
  tokens: Pick<Awaited<ReturnType<OpenId['refreshTokenGrant']>>, 'claims' | 'id_token'>,
  { issuer, audiences, admin_audiences }: LoginIssuer,
  kind: LoginKind,
): Pick<Login, 'subject' | 'email'> & { token: string } {
  const claims = tokens.claims()
  if (!claims || tokens.id_token === undefined)
    throw new NoIdentity(
      `the issuer ${issuer} gave no ID token`,
      'Have its client allowed the scope openid, also when it refreshes.',
    )
  const taken = kind === 'admin' ? admin_audiences : audiences
  const foreign = [claims.aud].flat().find((each) => !taken.includes(each))
  if (foreign !== undefined)
    throw new NoIdentity(
      `the issuer ${issuer} gave a token for ${foreign}, which the broker does not take`,
      'Run `mayfly bootstrap` again; or have `audience` corrected in its configuration.',
    )
  const { sub: subject, email } = claims
  return { subject, token: tokens.id_token, ...(typeof email === 'string' && { email }) }
}
