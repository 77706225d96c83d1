import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { encodePart, signingKey } from '../support/issuer.ts'

test('a token signed by HMAC with the published key as the secret is refused', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const rsa = signingKey('RS256')
  issuer.published.push(rsa.jwk)
  const input = `${encodePart(issuer.header({ alg: 'HS256', kid: rsa.jwk.kid }))}.${encodePart(issuer.claims())}`
  const secret = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  await expect(broker.verify(token)).rejects.toMatchObject(refused('alg is not one that this issuer may use'))
})
