import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([[['acme/web', 'acme/web']], [['acme/web', 'Acme/Web']]])(
  'the same repository twice is refused: %j',
  async (repositories) => {
    const detail = { ...writeWeb, repositories }
    expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
  },
)
