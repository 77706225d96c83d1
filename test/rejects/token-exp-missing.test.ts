import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token without exp is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ exp: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('exp is missing'))
})
