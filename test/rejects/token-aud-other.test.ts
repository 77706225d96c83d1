import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['https://other.test', 'https://mayfly.test/', 'HTTPS://mayfly.test', [], '', null, {}])(
  'a token for somebody else is refused: %j',
  async (value) => {
    await using broker = await trusting()
    const token = broker.issuer.token({ aud: value })
    await expect(broker.verify(token)).rejects.toMatchObject(refused('aud is not for this broker'))
  },
)
