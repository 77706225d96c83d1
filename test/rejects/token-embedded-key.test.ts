import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['jwk', 'jku', 'x5u', 'x5c'])('a token that brings its own key in %s is refused', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({}, { [value]: 'https://attacker.test/key' })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('a token cannot bring its own key'))
})
