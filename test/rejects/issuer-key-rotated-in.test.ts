import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'
import { keysPath, signingKey } from '../support/issuer.ts'

test('a key rotated in right after the first load is found at once', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  await broker.verify(issuer.token())
  const next = signingKey()
  issuer.published.push(next.jwk)
  await expect(broker.verify(issuer.token({}, {}, next))).resolves.toMatchObject({
    principal: { issuer: 'acme' },
  })
})

test('fifty tokens signed with a key just rotated in all pass, for one fetch', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  await broker.verify(issuer.token())
  const next = signingKey()
  issuer.published.push(next.jwk)
  await Promise.all(Array.from({ length: 50 }, () => broker.verify(issuer.token({}, {}, next))))
  expect(issuer.requests.filter((path) => path === keysPath)).toHaveLength(2)
})
