import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token whose exp has passed is refused', async () => {
  await using broker = await trusting()
  const now = broker.clock.now() / 1000
  const token = broker.issuer.token({ exp: now - 60 })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('exp has passed'))
})
