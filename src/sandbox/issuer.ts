/** An OIDC issuer that signs whatever it is told to, truthful or hostile: people log in, and jobs ask as in GitHub Actions. */
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet, type JWK } from 'jose'
import { generateKeyPair, randomUUID, sign, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Context } from 'hono'
import type { Clock } from '../base/clock.ts'
import { defaultLogin, loginRoutes, type LoginSettings } from './issuer/login.ts'
import type { Faults, RequestLine } from './faults.ts'
import { listen } from './server.ts'

type Algorithm = 'RS256' | 'ES256' | 'EdDSA'

/** What the issuer does otherwise than it should. May be changed at any time. */
interface IssuerSettings {
  /** What new tokens are signed with. Default RS256. */
  algorithm: Algorithm
  /** Members that replace those of the true discovery document; one given as `undefined` is left out. */
  discovery?: Record<string, unknown> | undefined
  /** Published instead of the true key set. */
  jwks?: unknown
  /**
   * Serves discovery and keys as the API server of a Kubernetes cluster does: the keys in one
   * media type, to whoever takes it (kubernetes/kubernetes, `openidmetadata`), and, in a cluster
   * without anonymous access, both to whoever has a bearer token.
   */
  apiServer?: { bearer?: string } | undefined
  /** Who can log in, and with which clients. */
  login: LoginSettings
}

export interface SandboxIssuer {
  /** The issuer identifier, without a trailing slash. */
  url: string
  faults: Faults
  requests: RequestLine[]
  settings: IssuerSettings
  /**
   * A signed JWT. `iss`, `iat`, `exp` (300 s) and a random `jti` are there unless
   * `claims` says otherwise; a claim or header parameter given as `undefined` is
   * left out. Whatever `header` says, the signature is the issuer's own.
   */
  token(claims?: Record<string, unknown>, options?: { header?: Record<string, unknown> }): Promise<string>
  /** Signs with a new key from now on; the old ones stay published. */
  rotate(): Promise<void>
  /** Signs with a new key from now on; the old ones are no longer published. */
  withdraw(): Promise<void>
  /** The keys truly in force, whatever `settings.jwks` says. */
  publicJwks(): JSONWebKeySet
  /** Registers a job: what a runner would be given as `ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`. */
  actions(claims: Record<string, unknown>): { url: string; requestToken: string }
  close(): Promise<void>
}

interface SigningKey {
  kid: string
  algorithm: Algorithm
  privateKey: KeyObject
  publicJwk: JWK
}

export async function startIssuer(clock: Clock, port?: number): Promise<SandboxIssuer> {
  const settings: IssuerSettings = { algorithm: 'RS256', login: defaultLogin() }
  let keys = [await generateKey(settings.algorithm)]
  const jobs = new Map<string, Record<string, unknown>>()
  const { app, url, faults, requests, close } = await listen(clock, port)

  const publicJwks = () => ({ keys: keys.map((key) => key.publicJwk) })

  const signingKey = async () => {
    const newest = keys.findLast((key) => key.algorithm === settings.algorithm)
    if (newest) return newest
    const created = await generateKey(settings.algorithm)
    keys = [...keys, created]
    return created
  }

  const token: SandboxIssuer['token'] = async (claims = {}, { header = {} } = {}) => {
    const key = await signingKey()
    const iat = Math.floor(clock.now() / 1000)
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    // Signed by hand: jose, rightly, refuses to make most of what a hostile issuer would send.
    const input = [
      encode({ alg: key.algorithm, typ: 'JWT', kid: key.kid, ...header }),
      encode({ iss: url, iat, exp: iat + 300, jti: randomUUID(), ...claims }),
    ].join('.')
    return `${input}.${(await signature(input, key)).toString('base64url')}`
  }

  const login = loginRoutes(app, { url, clock, settings: settings.login, token })

  // OpenID Connect Discovery 1.0, section 3: the members that are required, and those of a login.
  const forbidden = (c: Context) => {
    const { bearer } = settings.apiServer ?? {}
    if (bearer === undefined || c.req.header('authorization') === `Bearer ${bearer}`) return undefined
    return c.json({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 }, 401)
  }
  app.get(
    '/.well-known/openid-configuration',
    (c) =>
      forbidden(c) ??
      c.json({
        issuer: url,
        jwks_uri: `${url}/jwks`,
        ...login,
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.algorithm))],
        ...settings.discovery,
      }),
  )
  app.get('/jwks', (c) => {
    const published = settings.jwks ?? publicJwks()
    if (!settings.apiServer) return c.json(published)
    const type = 'application/jwk-set+json'
    const taken = (c.req.header('accept') ?? '*/*').split(',').map((each) => each.split(';', 1)[0]!.trim())
    if (!taken.some((each) => [type, 'application/*', '*/*'].includes(each))) return c.body(null, 406)
    return forbidden(c) ?? c.body(JSON.stringify(published), 200, { 'content-type': type })
  })

  // GitHub's "OpenID Connect reference": the job's own bearer token, `audience` in the query, the JWT in `value`;
  // without an audience it is the address of the repository's owner.
  app.get('/actions/token', async (c) => {
    const [scheme, requestToken] = c.req.header('authorization')?.split(' ') ?? []
    const claims = scheme?.toLowerCase() === 'bearer' ? jobs.get(requestToken ?? '') : undefined
    if (!claims) return c.json({ message: 'no job has this request token' }, 401)
    const aud = c.req.query('audience') ?? `https://github.com/${String(claims['repository_owner'])}`
    return c.json({ value: await token({ ...claims, aud }) })
  })

  return {
    url,
    faults,
    requests,
    settings,
    token,
    async rotate() {
      keys = [...keys, await generateKey(settings.algorithm)]
    },
    async withdraw() {
      keys = [await generateKey(settings.algorithm)]
    },
    publicJwks,
    actions(claims) {
      const requestToken = randomUUID()
      jobs.set(requestToken, claims)
      // A runner's address has a query of its own already: clients append `&audience=`, never `?audience=`.
      return { url: `${url}/actions/token?api-version=2.0`, requestToken }
    },
    close,
  }
}

const generate = promisify(generateKeyPair)

async function generateKey(algorithm: Algorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await (algorithm === 'RS256'
    ? generate('rsa', { modulusLength: 2048 })
    : algorithm === 'ES256'
      ? generate('ec', { namedCurve: 'P-256' })
      : generate('ed25519'))
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, algorithm, privateKey, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } }
}

function signature(input: string, { algorithm, privateKey }: SigningKey): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(
      algorithm === 'EdDSA' ? null : 'sha256',
      Buffer.from(input),
      // RFC 7518 §3.4: R and S side by side, where OpenSSL would write DER.
      { key: privateKey, dsaEncoding: 'ieee-p1363' },
      (error, made) => (error ? reject(error) : resolve(made)),
    )
  })
}
