import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([0, -1, 1.5, 1e-9, 1e21, 2 ** 31, Number.MAX_SAFE_INTEGER, '60', 'PT1M', null, true, [60]])(
  'a ttl of %j is refused',
  async (ttl) => {
    expectRefusal(await broker.open({ ttl }), 400, 'invalid_request')
  },
)

test("a ttl beyond the agent's is refused, not shortened", async () => {
  expectRefusal(await broker.open({ ttl: 3601 }), 400, 'invalid_request')
  expect((await broker.open({ ttl: 3600 })).status).toBe(201)
})
