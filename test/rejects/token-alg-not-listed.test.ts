import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test("an algorithm that is not on the issuer's own list is refused", async () => {
  await using broker = await trusting({ algorithms: ['RS256'] })
  const token = broker.issuer.token()
  await expect(broker.verify(token)).rejects.toMatchObject(refused('alg is not one that this issuer may use'))
})
