import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { encodePart } from '../support/issuer.ts'

test.each(['none', 'None', 'NONE', 'nOnE'])('a token with alg %s is refused', async (alg) => {
  await using broker = await trusting()
  const { issuer } = broker
  const unsigned = `${encodePart(issuer.header({ alg }))}.${encodePart(issuer.claims())}.`
  for (const token of [unsigned, `${unsigned}AAAA`])
    await expect(broker.verify(token)).rejects.toMatchObject(
      refused('alg is not one that this issuer may use'),
    )
  expect(issuer.requests).toEqual([])
})

test('a token without alg is refused', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({}, { alg: undefined })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('alg is not one that this issuer may use'))
})
