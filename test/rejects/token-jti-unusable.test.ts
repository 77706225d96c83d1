import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['', null, 7, ['a']])('a jti that identifies nothing is refused: %j', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({ jti: value })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('jti is not a non-empty string'))
})
