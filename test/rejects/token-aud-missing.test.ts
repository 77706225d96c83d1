import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token without aud is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ aud: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('aud is missing'))
})
