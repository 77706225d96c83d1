import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token that is not valid yet is refused', async () => {
  await using broker = await trusting()
  const now = broker.clock.now() / 1000
  const token = broker.issuer.token({ nbf: now + 61 })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('nbf is in the future'))
})
