/** SPIFFE: a trust domain's bundle, and SVIDs that name no issuer. */
import { expect, it, onTestFinished } from 'vitest'
import { compileIssuer, issuerConfig } from '../../src/identity/issuer.ts'
import { verify } from '../../src/identity/verify.ts'
import { manualClock } from '../support/clock.ts'
import { json, signingKey, startIssuer, testAudience } from '../support/issuer.ts'
import { refused } from '../support/trust.ts'

/** `acme.dev` and `other.dev`, each with a bundle endpoint. */
async function trustDomains() {
  const clock = manualClock()
  const domain = async (name: string) => {
    const server = await startIssuer(clock)
    onTestFinished(() => server[Symbol.asyncDispose]())
    const x509 = { ...signingKey('RS256').jwk, use: 'x509-svid', kid: undefined, alg: undefined }
    const { alg: _, ...jwk } = server.key.jwk
    server.answers.set('/bundle', (_request, response) =>
      json(response, { spiffe_sequence: 1, keys: [x509, { ...jwk, use: 'jwt-svid' }] }),
    )
    const config = issuerConfig.parse({
      preset: 'spiffe',
      issuer: `spiffe://${name}`,
      jwks_uri: `${server.url}/bundle`,
    })
    const issuer = compileIssuer(name, config, { fetch, clock, defaultAudience: testAudience })
    return { server, issuer }
  }
  const [acme, other] = [await domain('acme.dev'), await domain('other.dev')]
  const issuers = new Map([acme, other].map(({ issuer }) => [issuer.issuer, issuer]))
  /** Signed by acme's key. */
  const svid = (claims: Record<string, unknown>) =>
    acme.server.token({ iss: undefined, jti: undefined, ...claims }, { typ: 'JOSE' })
  return { acme: acme.issuer, verify: (token: string) => verify(token, issuers, { clock }), svid }
}

it('an SVID without `iss` is of the trust domain of its subject', async () => {
  const { verify: verified, svid } = await trustDomains()
  await expect(verified(svid({ sub: 'spiffe://acme.dev/ns/ci/sa/builder' }))).resolves.toMatchObject({
    principal: {
      issuer: 'acme.dev',
      iss: 'spiffe://acme.dev',
      subject: 'spiffe://acme.dev/ns/ci/sa/builder',
    },
    singleUse: false,
  })
})

it.each([
  ['another trust domain', { sub: 'spiffe://other.dev/ns/ci/sa/builder' }, 'no key for its kid'],
  ['a trust domain that is not configured', { sub: 'spiffe://evil.dev/x' }, 'iss is not a trusted issuer'],
  [
    'a trust domain that merely begins alike',
    { sub: 'spiffe://acme.dev.evil/x' },
    'iss is not a trusted issuer',
  ],
  ['the trust domain itself', { sub: 'spiffe://acme.dev' }, 'iss is not a trusted issuer'],
  ['no SPIFFE ID', { sub: 'builder' }, 'iss is not a trusted issuer'],
  ['an `iss` that is null', { iss: null, sub: 'spiffe://acme.dev/x' }, 'iss is not a trusted issuer'],
  [
    'a subject of elsewhere under its own `iss`',
    { iss: 'spiffe://acme.dev', sub: 'spiffe://other.dev/x' },
    'sub is not of the trust domain',
  ],
])('an SVID of %s is refused', async (_what, claims, reason) => {
  const { verify: verified, svid } = await trustDomains()
  await expect(verified(svid(claims))).rejects.toMatchObject(refused(reason))
})
