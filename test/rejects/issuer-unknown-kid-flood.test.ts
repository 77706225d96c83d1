import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { keysPath } from '../support/issuer.ts'

test('a flood of unknown kids costs the issuer one fetch in ten seconds', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  const fetches = () => issuer.requests.filter((path) => path === keysPath).length
  const forged = () => broker.verify(issuer.token({}, { kid: randomUUID() }))
  await broker.verify(issuer.token())
  for (let i = 0; i < 100; i++)
    await expect(forged()).rejects.toMatchObject(refused('no key for its kid and alg'))
  expect(fetches()).toBe(2)
  await clock.advance(9_999)
  await expect(forged()).rejects.toMatchObject(refused('no key for its kid and alg'))
  expect(fetches()).toBe(2)
  await clock.advance(1)
  await Promise.allSettled(Array.from({ length: 100 }, forged))
  expect(fetches()).toBe(3)
})

test('the flood does not keep valid tokens out', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const forged = () => broker.verify(issuer.token({}, { kid: randomUUID() }))
  const flood = Promise.allSettled(Array.from({ length: 100 }, forged))
  await expect(broker.verify(issuer.token())).resolves.toMatchObject({ principal: { issuer: 'acme' } })
  for (const { status } of await flood) expect(status).toBe('rejected')
})
