import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token with a critical extension is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({}, { crit: ['b64'], b64: true })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('crit is set'))
})
