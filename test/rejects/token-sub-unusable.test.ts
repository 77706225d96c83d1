import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['', null, 7, ['a'], 's'.repeat(1025)])('a sub that names nobody is refused: %j', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({ sub: value })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('sub is not a string'))
})
