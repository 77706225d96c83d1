import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signingKey } from '../support/issuer.ts'

test('a key removed at the issuer is refused a minute later at most', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  await broker.verify(issuer.token())
  issuer.published.splice(0, 1, signingKey().jwk)
  await clock.advance(60_000)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('no key for its kid and alg'))
})

test('within the minute the keys are not fetched again', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  await broker.verify(issuer.token())
  await clock.advance(59_999)
  await broker.verify(issuer.token())
  expect(issuer.requests).toHaveLength(2)
})

test('the minute counts from when the keys were asked for, not from when they came', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  let answer = () => {}
  issuer.answers.set('/keys', (_request, response) => {
    const body = JSON.stringify({ keys: issuer.published })
    answer = () => response.end(body)
  })
  const first = broker.verify(issuer.token())
  await issuer.asked('/keys')
  await clock.advance(4_000)
  answer()
  await first
  issuer.answers.clear()
  issuer.published.splice(0, 1, signingKey().jwk)
  await clock.advance(56_000)
  await expect(broker.verify(issuer.token())).rejects.toMatchObject(refused('no key for its kid and alg'))
})
