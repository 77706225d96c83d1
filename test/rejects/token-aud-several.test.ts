import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each([
  [['https://mayfly.test', 'https://other.test']],
  [['https://other.test', 'https://mayfly.test']],
  [['https://mayfly.test', 1]],
  [['https://mayfly.test', ['https://mayfly.test']]],
])('a token that is also for somebody else is refused: %j', async (value) => {
  await using broker = await trusting()
  const token = broker.issuer.token({ aud: value })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('aud names somebody else as well'))
})
