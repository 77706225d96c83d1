import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a set of more than a hundred keys is refused, good ones and all', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  for (let i = 0; i < 100; i++) issuer.published.push({ ...issuer.key.jwk, kid: `k${i}` })
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('more than 100 keys'))
})

test('a set of a hundred keys is accepted', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  for (let i = 0; i < 99; i++) issuer.published.push({ ...issuer.key.jwk, kid: `k${i}` })
  await expect(broker.verify(issuer.token())).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})
