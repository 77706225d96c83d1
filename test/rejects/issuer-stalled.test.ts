import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'
import { discoveryPath } from '../support/issuer.ts'

const noAnswer = { code: 'unavailable', facts: { retryAfter: 5 } }

test('a stalled issuer under fifty requests is asked once, and other issuers do not wait', async () => {
  await using broker = await trusting()
  const { issuer, other, clock } = broker
  issuer.answers.set(discoveryPath, () => {})
  const waiting = Promise.allSettled(Array.from({ length: 50 }, () => broker.verify(issuer.token())))
  await issuer.asked(discoveryPath)
  await expect(broker.verify(other.token())).resolves.toMatchObject({ principal: { issuer: 'other' } })
  await clock.advance(5_000)
  for (const outcome of await waiting) expect(outcome).toMatchObject({ status: 'rejected', reason: noAnswer })
  expect(issuer.requests).toEqual([discoveryPath])
})

test('a failure is remembered for 5 s, then the issuer is asked again', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  issuer.answers.set(discoveryPath, (_request, response) => response.writeHead(503).end())
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(noAnswer)
  issuer.answers.clear()
  await clock.advance(4_999)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(noAnswer)
  expect(issuer.requests).toEqual([discoveryPath])
  await clock.advance(1)
  await expect(broker.verify(issuer.token())).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})

test('an issuer that resets the connection is unavailable', async () => {
  await using broker = await trusting()
  broker.issuer.answers.set(discoveryPath, (request) => request.socket.destroy())
  await expect(broker.verify(broker.issuer.token())).rejects.toMatchObject(noAnswer)
})
