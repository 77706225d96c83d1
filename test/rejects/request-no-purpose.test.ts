import { test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([undefined, '', null, 1, ['x'], 'x'.repeat(1001)])(
  'a purpose that is %j is refused',
  async (purpose) => {
    expectRefusal(await broker.open({ purpose }), 400, 'invalid_request')
  },
)
