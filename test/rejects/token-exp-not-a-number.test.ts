import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signRaw } from '../support/issuer.ts'

test.each(['"2099999999"', 'null', '{}', '"NaN"'])('an exp that is no number is refused: %s', async (exp) => {
  await using broker = await trusting()
  const { issuer } = broker
  const payload = JSON.stringify(issuer.claims()).replace(/"exp":\d+/, `"exp":${exp}`)
  const token = signRaw(issuer.header(), payload, issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('exp is not a number'))
})

test('an exp that overflows to infinity is refused', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const payload = JSON.stringify(issuer.claims()).replace(/"exp":\d+/, '"exp":1e999')
  const token = signRaw(issuer.header(), payload, issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('exp is not a finite number'))
})

test('a bare NaN is refused', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const payload = JSON.stringify(issuer.claims()).replace(/"exp":\d+/, '"exp":NaN')
  const token = signRaw(issuer.header(), payload, issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('payload that is not JSON'))
})
