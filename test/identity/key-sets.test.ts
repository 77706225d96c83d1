import type { JWK } from 'jose'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it, test } from 'vitest'
import { compileIssuer, issuerConfig } from '../../src/identity/issuer.ts'
import { verify } from '../../src/identity/verify.ts'
import { manualClock } from '../support/clock.ts'
import { discoveryPath, json, keysPath, signingKey, startIssuer, testAudience } from '../support/issuer.ts'
import { refused, trusting } from '../support/trust.ts'

/** As a Kubernetes API server serves its keys: in one media type, to those who take it (kubernetes/kubernetes, `openidmetadata`). */
function likeKubernetes(keys: () => unknown[]) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const taken = (request.headers.accept ?? '*/*').split(',').map((each) => each.trim().split(';')[0])
    if (!taken.some((type) => type === '*/*' || type === 'application/jwk-set+json'))
      return response.writeHead(406).end()
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' })
    return response.end(JSON.stringify({ keys: keys() }))
  }
}

test('a key set that is served as application/jwk-set+json alone is read', async () => {
  await using broker = await trusting()
  broker.issuer.answers.set(
    keysPath,
    likeKubernetes(() => broker.issuer.published),
  )
  await broker.verify(broker.issuer.token())
})

describe('discovery and keys that want a bearer token', () => {
  /** Answers only who has the token, as a cluster without anonymous access does. */
  const guarded =
    (answer: (response: ServerResponse) => void) => (request: IncomingMessage, response: ServerResponse) =>
      request.headers.authorization === 'Bearer of the broker'
        ? answer(response)
        : response.writeHead(401).end()

  async function guardedIssuer() {
    const clock = manualClock()
    const issuer = await startIssuer(clock)
    issuer.answers.set(
      discoveryPath,
      guarded((response) => json(response, { issuer: issuer.url, jwks_uri: issuer.url + keysPath })),
    )
    issuer.answers.set(
      keysPath,
      guarded((response) => json(response, { keys: issuer.published })),
    )
    const verifyWith = (token?: () => string) => {
      const config = issuerConfig.parse({ issuer: issuer.url, token: { file: './token' } })
      const given = { fetch, clock, defaultAudience: testAudience, ...(token && { token }) }
      return verify(issuer.token(), new Map([[issuer.url, compileIssuer('k8s', config, given)]]), { clock })
    }
    return { issuer, verifyWith }
  }

  it('are read with it', async () => {
    const { issuer, verifyWith } = await guardedIssuer()
    await using _ = issuer
    await expect(verifyWith(() => 'of the broker')).resolves.toMatchObject({ principal: { issuer: 'k8s' } })
    await expect(verifyWith()).rejects.toMatchObject(refused('answered with 401'))
  })

  it('are not read, and nothing is said of the token, where it cannot be', async () => {
    const { issuer, verifyWith } = await guardedIssuer()
    await using _ = issuer
    const unreadable = () => {
      throw new Error('secret words')
    }
    await expect(verifyWith(unreadable)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'issuer k8s: its token cannot be read',
    })
  })
})

describe('a key', () => {
  it.each([
    ['twice the same', {}, {}],
    ['once with its algorithm and once without', {}, { alg: undefined }],
    ['once with a use and once without', { use: undefined }, {}],
  ])('that is listed %s is one', async (_how, first, second) => {
    await using broker = await trusting()
    const { jwk } = broker.issuer.key
    const listed = [first, second].map((change) => ({ ...jwk, ...change }) as JWK)
    broker.issuer.published.splice(0, 1, ...listed)
    await broker.verify(broker.issuer.token())
  })

  it.each([
    ['once with a name and once without', [{}, { kid: undefined }]],
    ['under two names', [{}, { kid: 'another' }]],
  ])('that is listed %s is one for a token that names none', async (_how, changes) => {
    await using broker = await trusting()
    const { jwk } = broker.issuer.key
    broker.issuer.published.splice(0, 1, ...changes.map((change) => ({ ...jwk, ...change }) as JWK))
    await broker.verify(broker.issuer.token({}, { kid: undefined }))
    broker.issuer.published.push({ ...signingKey().jwk, kid: 'third' })
    await broker.clock.advance(61_000)
    await expect(broker.verify(broker.issuer.token({}, { kid: undefined }))).rejects.toMatchObject(
      refused('does not tell which'),
    )
  })

  it('never passes for another one under its kid', async () => {
    await using broker = await trusting()
    const { issuer } = broker
    const impostor = signingKey()
    impostor.jwk.kid = issuer.key.jwk.kid
    await expect(broker.verify(issuer.token({}, {}, impostor))).rejects.toMatchObject(
      refused('the signature does not verify'),
    )
    issuer.published.push(impostor.jwk)
    await broker.clock.advance(61_000)
    await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('kid does not tell which'))
  })
})
