import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token issued in the future is refused', async () => {
  await using broker = await trusting()
  const now = broker.clock.now() / 1000
  const token = broker.issuer.token({ iat: now + 61, exp: now + 600 })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('iat is in the future'))
})
