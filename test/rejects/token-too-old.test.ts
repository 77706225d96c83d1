import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token older than its issuer may use is refused, whatever its exp', async () => {
  await using broker = await trusting()
  const now = broker.clock.now() / 1000
  const token = broker.issuer.token({ iat: now - 3661, exp: now + 600 })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('iat is too long ago'))
})
