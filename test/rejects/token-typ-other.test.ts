import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'application/logout+jwt', '', null, 1])(
  'a token of another kind is refused: %j',
  async (value) => {
    await using broker = await trusting()
    const token = broker.issuer.token({}, { typ: value })
    await expect(broker.verify(token)).rejects.toMatchObject(refused('typ is not that of an identity token'))
  },
)
