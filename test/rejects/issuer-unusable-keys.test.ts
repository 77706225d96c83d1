import type { JWK } from 'jose'
import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { json, keysPath, signingKey } from '../support/issuer.ts'

const good = signingKey()
const unusable: [string, unknown][] = [
  ['an RSA key of 1024 bits', signingKey('RS256', 1024).jwk],
  ['a symmetric key', { kty: 'oct', k: 'c2hhcmVk', kid: good.jwk.kid }],
  ['a key for encryption', { ...good.jwk, use: 'enc' }],
  ['a private key', { ...good.privateKey.export({ format: 'jwk' }), kid: good.jwk.kid }],
  ['a point that is not on its curve', { ...good.jwk, x: good.jwk.y }],
  ['a string', 'key'],
  ['null', null],
]

test.each(unusable)('%s is not a key to verify with', async (_what, jwk) => {
  await using broker = await trusting()
  broker.issuer.answers.set(keysPath, (_request, response) => json(response, { keys: [jwk] }))
  const token = broker.issuer.token({}, {}, good)
  await expect(broker.verify(token)).rejects.toMatchObject(
    refused('issuer acme: its key set has no usable key'),
  )
})

test('unusable keys beside a good one do not spoil it', async () => {
  await using broker = await trusting()
  broker.issuer.published.push(...(unusable.map(([, jwk]) => jwk) as JWK[]))
  await expect(broker.verify(broker.issuer.token())).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})

test('a token that names none of several keys is refused', async () => {
  await using broker = await trusting()
  broker.issuer.published.push(signingKey().jwk)
  const token = broker.issuer.token({}, { kid: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('kid does not tell which'))
})
