import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each([null, 1, ['a']])('a kid that is not a string is refused: %j', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({}, { kid: value })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('kid is not a string'))
})
