/** Too many requests from one address, whoever sends them. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'

const broker = await describedBroker({
  settings: { limits: { requests_per_minute: { address: 20 } } },
})

test('an address has its limit, and is told when to come back', async () => {
  const answers = []
  for (let count = 0; count < 30; count += 1)
    answers.push(await broker.call('GET', '/.well-known/oauth-authorization-server'))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(19) // and one to read the description
  const [first] = answers.filter(({ status }) => status !== 200)
  expectRefusal(first!, 429, 'limit_exceeded')
  expect(Number(first!.headers.get('Retry-After'))).toBeGreaterThan(0)
  expect((await broker.call('GET', '/healthz')).status).toBe(200)
})
