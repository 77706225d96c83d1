import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'
import { signRaw } from '../support/issuer.ts'

const cases: [string, (payload: string) => string][] = [
  ['twice the same name', (payload) => payload.replace('{', '{"sub":"repo:acme/infra",')],
  ['a name and its escaped form', (payload) => payload.replace('{', '{"s\\u0075b":"repo:acme/infra",')],
  ['a nested name twice', (payload) => payload.replace('{', '{"act":[{"sub":"a","sub":"b"}],')],
]

test.each(cases)('a payload with %s is refused', async (_what, alter) => {
  await using broker = await trusting()
  const { issuer } = broker
  const token = signRaw(issuer.header(), alter(JSON.stringify(issuer.claims())), issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('payload that has the same member twice'))
})

test('a header with the same name twice is refused', async () => {
  await using broker = await trusting()
  const { issuer } = broker
  const header = JSON.stringify(issuer.header()).replace('{', '{"alg":"none",')
  const token = signRaw(header, issuer.claims(), issuer.key.privateKey)
  await expect(broker.verify(token)).rejects.toMatchObject(refused('header that has the same member twice'))
})

test('the same name in two different objects is no duplicate', async () => {
  await using broker = await trusting()
  const token = broker.issuer.token({ a: { sub: 1 }, b: [{ sub: 2 }, { sub: 3 }] })
  await expect(broker.verify(token)).resolves.toMatchObject({ principal: { issuer: 'acme' } })
})
