import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { discoveryPath, json, keysPath } from '../support/issuer.ts'

test('while the issuer gives no answer, its last keys serve for ten minutes and no longer', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  await broker.verify(issuer.token())
  issuer.answers.set(discoveryPath, (_request, response) => response.writeHead(500).end())
  await clock.advance(599_999)
  await expect(broker.verify(issuer.token())).resolves.toMatchObject({ principal: { issuer: 'acme' } })
  await clock.advance(1)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject({ code: 'unavailable' })
})

test('an issuer that withdrew its keys before it fell silent does not get them back', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  await broker.verify(issuer.token())
  issuer.answers.set(keysPath, (_request, response) => json(response, { keys: [] }))
  await clock.advance(60_000)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('no usable key'))
  issuer.answers.set(keysPath, (_request, response) => response.writeHead(500).end())
  await clock.advance(5_000)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject({ code: 'unavailable' })
})

test('a kid that a silent issuer may have published is unavailable, not invalid', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  await broker.verify(issuer.token())
  issuer.answers.set(discoveryPath, (_request, response) => response.writeHead(500).end())
  for (let i = 0; i < 3; i++) {
    const token = issuer.token({}, { kid: 'new' })
    await expect(broker.verify(token)).rejects.toMatchObject({ code: 'unavailable' })
    await clock.advance(5_000)
  }
})

test('once the issuer answers again, a kid it does not publish is invalid', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  const unknown = () => broker.verify(issuer.token({}, { kid: 'new' }))
  await broker.verify(issuer.token())
  await clock.advance(59_000)
  issuer.answers.set(discoveryPath, (_request, response) => response.writeHead(500).end())
  await expect(unknown()).rejects.toMatchObject({ code: 'unavailable' })
  issuer.answers.clear()
  await clock.advance(5_000)
  await broker.verify(issuer.token())
  await expect(unknown()).rejects.toMatchObject(refused('no key for its kid and alg'))
})
