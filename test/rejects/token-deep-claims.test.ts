import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signRaw } from '../support/issuer.ts'

test.each([
  ['arrays', '['.repeat(5_000) + ']'.repeat(5_000)],
  ['objects', '{"a":'.repeat(1_500) + '1' + '}'.repeat(1_500)],
])('claims of thousands of nested %s are refused', async (_what, deep) => {
  await using broker = await trusting()
  const { issuer } = broker
  const payload = JSON.stringify(issuer.claims()).replace('{', `{"deep":${deep},`)
  const token = signRaw(issuer.header(), payload, issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('nested too deeply'))
})
