import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'
import { signRaw, signingKey } from '../support/issuer.ts'

test('a valid token gives a principal with every claim', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const { principal, audiences, singleUse } = await broker.verify(issuer.token({ repository_id: 123 }))
  expect(principal).toMatchObject({
    issuer: 'acme',
    iss: issuer.url,
    subject: 'repo:acme/web:ref:refs/heads/main',
  })
  expect(principal.claims).toMatchObject({ repository_id: 123 })
  expect({ audiences, singleUse }).toEqual({ audiences: ['https://mayfly.test'], singleUse: true })
})

test('RS256 is verified as well as ES256', async () => {
  await using broker = await trusting()
  const rsa = signingKey('RS256')
  broker.issuer.published.push(rsa.jwk)
  const token = broker.issuer.token({}, {}, rsa)
  await expect(broker.verify(token)).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})

test('several audiences pass when each is accepted', async () => {
  await using broker = await trusting({ audience: ['a', 'b'] })
  const { audiences } = await broker.verify(broker.issuer.token({ aud: ['b', 'a'] }))
  expect(audiences).toEqual(['b', 'a'])
})

test('a token may leave out typ and jti', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ jti: undefined }, { typ: undefined })
  await expect(broker.verify(token)).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})

test('clocks may differ by a minute', async () => {
  await using broker = await trusting()
  const now = broker.clock.now() / 1000
  await broker.verify(broker.issuer.token({ iat: now + 60, nbf: now + 60 }))
  await broker.verify(broker.issuer.token({ exp: now - 59 }))
})

test('a token has failed for good at usableUntil', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token()
  const { usableUntil } = await broker.verify(token)
  expect(usableUntil).toBeGreaterThan(broker.clock.now())
  await broker.clock.advance(usableUntil - broker.clock.now())
  await expect(broker.verify(token)).rejects.toMatchObject({ code: 'invalid_token' })
})

test('usableUntil outlasts a max_age that is raised later', async () => {
  await using short = await trusting({ max_age: 60 })
  const now = short.clock.now()
  const { usableUntil } = await short.verify(short.issuer.token({ exp: now / 1000 + 3600 }))
  expect(usableUntil).toBeGreaterThan(now + 3600_000)
})

test('a token that is valid for years is remembered for a day at most', async () => {
  await using broker = await trusting()
  const now = broker.clock.now()
  const { usableUntil } = await broker.verify(broker.issuer.token({ exp: now / 1000 + 1e9 }))
  expect(usableUntil).toBeLessThan(now + 86_400_000 + 62_000)
})

test('a token that expires while the keys are fetched is refused', async () => {
  await using broker = await trusting()
  const { issuer, clock } = broker
  let answer = () => {}
  issuer.answers.set('/keys', (_request, response) => {
    answer = () => response.end(JSON.stringify({ keys: issuer.published }))
  })
  const verified = broker.verify(issuer.token({ exp: clock.now() / 1000 - 59 }))
  const outcome = expect(verified).rejects.toMatchObject({ message: 'the token was refused: exp has passed' })
  await issuer.asked('/keys')
  await clock.advance(2_000)
  answer()
  await outcome
})

test('an error never carries the token, its claims or its signature', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const token = signRaw(issuer.header(), issuer.claims({ sub: 'top-secret', exp: 1 }), issuer.key.privateKey)
  const error: unknown = await broker.verify(token).catch((caught: unknown) => caught)
  const shown = inspect(error, { depth: null, showHidden: true })
  expect(shown).toContain('exp has passed')
  for (const part of ['top-secret', ...token.split('.')]) expect(shown).not.toContain(part)
})
