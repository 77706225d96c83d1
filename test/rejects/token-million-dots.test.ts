import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token of a million dots is refused before it is taken apart', async () => {
  await using broker = await trusting()
  await expect(broker.verify('.'.repeat(1_000_000))).rejects.toMatchObject(refused('is longer than'))
})

test.each(['', '.', 'a', 'a.b', '..', 'e30.e30.e30.e30', '.'.repeat(16_384)])(
  'a token that is not three parts is refused: %#',
  async (token) => {
    await using broker = await trusting()
    await expect(broker.verify(token)).rejects.toMatchObject({ code: 'invalid_token' })
    expect(broker.issuer.requests).toEqual([])
  },
)
