import { generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JWK } from 'jose'
import type { Clock } from '../../src/base/clock.ts'

export const discoveryPath = '/.well-known/openid-configuration'
export const keysPath = '/keys'

export interface SigningKey {
  privateKey: KeyObject
  publicKey: KeyObject
  /** As published. */
  jwk: JWK & { kid: string }
}

/** A key pair under a new `kid`. */
export function signingKey(alg: 'ES256' | 'ES384' | 'RS256' = 'ES256', rsaBits = 2048): SigningKey {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: rsaBits })
      : generateKeyPairSync('ec', { namedCurve: alg === 'ES256' ? 'P-256' : 'P-384' })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' }
  return { privateKey, publicKey, jwk: jwk as SigningKey['jwk'] }
}

/** A string stands for itself, so that a header or payload can be what no serialiser writes. */
export function encodePart(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

/** A compact JWS over anything at all, with SHA-256 and whatever `privateKey` is. */
export function signRaw(header: object | string, payload: object | string, privateKey: KeyObject): string {
  const input = `${encodePart(header)}.${encodePart(payload)}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** An OIDC issuer on loopback that answers whatever a test tells it to. */
export interface TestIssuer extends AsyncDisposable {
  /** Its `iss`. */
  url: string
  key: SigningKey
  /** What its key set publishes now. */
  published: JWK[]
  /** Paths asked for, in order. */
  requests: string[]
  /** Answers by path that replace its own. */
  answers: Map<string, RequestListener>
  /** Resolves once `path` has been asked for `times` times in all. */
  asked(path: string, times?: number): Promise<void>
  /** What a valid token claims, with `claims` over it; `undefined` leaves a claim out. */
  claims(claims?: Record<string, unknown>): Record<string, unknown>
  /** The header of a valid token. */
  header(header?: Record<string, unknown>): Record<string, unknown>
  /** A valid token but for what is overridden. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>, key?: SigningKey): string
}

export const testAudience = 'https://mayfly.test'

/** Starts an issuer on a free port of 127.0.0.1. */
export async function startIssuer(clock: Clock): Promise<TestIssuer> {
  const key = signingKey()
  const published: JWK[] = [key.jwk]
  const requests: string[] = []
  const answers = new Map<string, RequestListener>()
  const waiting = new Set<() => void>()

  const respond = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? ''
    requests.push(path)
    for (const wake of waiting) wake()
    const answer = answers.get(path)
    if (answer) answer(request, response)
    else if (path === discoveryPath) json(response, { issuer: url, jwks_uri: url + keysPath })
    else if (path === keysPath) json(response, { keys: published })
    else response.writeHead(404).end()
  }
  const server = createServer(respond).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const issuer: TestIssuer = {
    url,
    key,
    published,
    requests,
    answers,
    asked(path, times = 1) {
      return new Promise((resolve) => {
        const wake = () => {
          if (requests.filter((asked) => asked === path).length < times) return
          waiting.delete(wake)
          resolve()
        }
        waiting.add(wake)
        wake()
      })
    },
    claims(claims) {
      const iat = Math.floor(clock.now() / 1000)
      const sub = 'repo:acme/web:ref:refs/heads/main'
      return { iss: url, sub, aud: testAudience, iat, exp: iat + 300, jti: randomUUID(), ...claims }
    },
    header: (header) => ({ typ: 'JWT', alg: 'ES256', kid: key.jwk.kid, ...header }),
    token(claims, header, signer = key) {
      const named = { kid: signer.jwk.kid, alg: signer.jwk.alg, ...header }
      return signRaw(issuer.header(named), issuer.claims(claims), signer.privateKey)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return issuer
}

/** Answers 200 with `body` as JSON. */
export function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
