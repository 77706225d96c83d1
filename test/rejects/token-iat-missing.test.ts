import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token without iat is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ iat: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('iat is missing'))
})
