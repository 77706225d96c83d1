import { expect, test } from 'vitest'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: { limits: { failures_per_minute: { address: 3 } } } })

const guess = (...headers: string[]) =>
  raw(`${broker.url}/v1/tasks/x`, { headers: ['Authorization', 'Bearer guess', ...headers] })

test('whatever a request says of where it comes from, its failures count where it does come from', async () => {
  expectRefusal(await guess('X-Forwarded-For', '203.0.113.1'), 401, 'invalid_token')
  expectRefusal(await guess('X-Forwarded-For', '203.0.113.2, 127.0.0.1'), 401, 'invalid_token')
  expectRefusal(await guess('Forwarded', 'for=203.0.113.3', 'X-Real-IP', '203.0.113.3'), 401, 'invalid_token')
  for (const headers of [
    ['X-Forwarded-For', '203.0.113.4'],
    ['X-Forwarded-For', '203.0.113.4', 'X-Forwarded-For', '203.0.113.5'],
    ['X-Forwarded-For', '::1'],
    ['x-forwarded-for', ','],
    ['X-Real-IP', '203.0.113.6'],
    ['CF-Connecting-IP', '203.0.113.7'],
  ])
    expectRefusal(await guess(...headers), 429, 'limit_exceeded')
  expect((await raw(`${broker.url}/healthz`, {})).status).toBe(200)
})
