import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each(['gitlab', 'GitHub', '', 'constructor', '__proto__', 1, null, undefined])(
  'the type %j is refused',
  async (type) => {
    expectRefusal(
      await broker.open({ authorization_details: [{ ...writeWeb, type }] }),
      400,
      'invalid_request',
    )
  },
)
