import { expect, test } from 'vitest'
import { trusting } from '../support/trust.ts'

test('the same jti from two issuers is two tokens', async () => {
  await using broker = await trusting()
  const one = await broker.verify(broker.issuer.token({ jti: '1' }))
  const two = await broker.verify(broker.other.token({ jti: '1' }))
  expect(two.replayKey).not.toBe(one.replayKey)
})

test('the same jti twice from one issuer is one token, whatever else it claims', async () => {
  await using broker = await trusting()
  const one = await broker.verify(broker.issuer.token({ jti: '1' }))
  const two = await broker.verify(broker.issuer.token({ jti: '1', sub: 'repo:acme/infra' }))
  expect(two.replayKey).toBe(one.replayKey)
})

test('a jti that spells the signing input of another token is another token', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ jti: undefined })
  const one = await broker.verify(token)
  const two = await broker.verify(broker.issuer.token({ jti: token.slice(0, token.lastIndexOf('.')) }))
  expect(two.replayKey).not.toBe(one.replayKey)
})
