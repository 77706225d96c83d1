import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signingKey } from '../support/issuer.ts'

test('an ES256 token signed with a key on another curve is refused', async () => {
  await using broker = await trusting()
  const p384 = signingKey('ES384')
  delete p384.jwk.alg
  broker.issuer.published.push(p384.jwk)
  const token = broker.issuer.token({}, { alg: 'ES256' }, p384)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('no key for its kid and alg'))
})
