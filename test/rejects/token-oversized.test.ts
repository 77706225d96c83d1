import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

test('a token with a megabyte of claims is refused, though it is signed', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ padding: 'x'.repeat(1_000_000) })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('is longer than 16384 bytes'))
  expect(broker.issuer.requests).toEqual([])
})
