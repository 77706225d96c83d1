import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { encodePart, signingKey } from '../support/issuer.ts'

test("a token signed with another key under the issuer's kid is refused", async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({}, { kid: broker.issuer.key.jwk.kid }, signingKey())
  await expect(broker.verify(token)).rejects.toMatchObject(refused('the signature does not verify'))
})

test("a token that one trusted issuer signed in another's name is refused", async () => {
  await using broker = await trusting()
  const token = broker.other.token({ iss: broker.issuer.url }, { kid: broker.issuer.key.jwk.kid })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('the signature does not verify'))
})

test('a token whose claims were changed is refused', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const [header, , signature] = issuer.token().split('.')
  const token = `${header}.${encodePart(issuer.claims({ sub: 'repo:acme/infra' }))}.${signature}`
  await expect(broker.verify(token)).rejects.toMatchObject(refused('the signature does not verify'))
})
