import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signRaw } from '../support/issuer.ts'

test.each(['"__proto__":{"admin":true},', '"a":{"__proto__":1},'])(
  'a claim named __proto__ is refused: %s',
  async (member) => {
    await using broker = await trusting()
    const { issuer } = broker
    const payload = JSON.stringify(issuer.claims()).replace('{', `{${member}`)
    const token = signRaw(issuer.header(), payload, issuer.key.privateKey)
    await expect(broker.verify(token)).rejects.toMatchObject(refused('a member __proto__'))
  },
)
