import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token without sub is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ sub: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('sub is missing'))
})
