import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

// CVE-2026-22772
test.each(['.attacker.test', '@attacker.test', '0', '/tenant', '%00'])(
  'an iss that a trusted one is a prefix of, ending in %s, is unknown',
  async (suffix) => {
    await using broker = await trusting()
    const token = broker.issuer.token({ iss: broker.issuer.url + suffix })
    await expect(broker.verify(token)).rejects.toMatchObject(refused('iss is not a trusted issuer'))
    expect(broker.issuer.requests).toEqual([])
  },
)

test('an iss that is a prefix of a trusted one is unknown', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ iss: broker.issuer.url.slice(0, -1) })
  await expect(broker.verify(token)).rejects.toMatchObject(refused('iss is not a trusted issuer'))
})
