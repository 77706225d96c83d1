import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// Node keeps the first of them, a proxy in front may have checked the last.
test('two Authorization headers are refused, even when both are the same', async () => {
  const good = `Bearer ${await broker.workload()}`
  const body = JSON.stringify({ purpose: 'a test', authorization_details: [writeWeb] })
  for (const [first, second] of [
    [good, 'Bearer other'],
    ['Bearer other', good],
    [good, good],
  ] as const) {
    const headers = ['Authorization', first, 'authorization', second, 'Content-Type', 'application/json']
    const answer = await raw(`${broker.url}/v1/tasks`, { method: 'POST', headers, body })
    expectRefusal(answer, 401, 'invalid_token')
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"')
  }
  expect(rows(broker, 'tasks')).toEqual([])
})
