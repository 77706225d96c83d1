import { expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  clock: manualClock(),
  settings: {
    limits: { requests_per_minute: { agent: 5, address: 1_000 }, failures_per_minute: { address: 3 } },
  },
})

function expectLimited(answer: Answer): void {
  expectRefusal(answer, 429, 'limit_exceeded')
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
  expect(Number(answer.headers.get('Retry-After'))).toBeLessThanOrEqual(60)
}

test("an agent's requests beyond its limit are refused, and it is told when to come back", async () => {
  const answers = []
  for (let count = 0; count < 7; count += 1) answers.push(await broker.open())
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
  for (const answer of answers.slice(5)) expectLimited(answer)
})

test('an address that guesses tokens is refused after a few, whatever it sends next', async () => {
  const answers = []
  for (let count = 0; count < 5; count += 1)
    answers.push(await broker.call('GET', '/v1/tasks/x', { token: `mft_${String(count).padEnd(43, 'x')}` }))
  for (const answer of answers.slice(0, 3)) expectRefusal(answer, 401, 'invalid_token')
  for (const answer of answers.slice(3)) expectLimited(answer)
})
