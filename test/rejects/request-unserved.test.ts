import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  { repositories: ['globex/api'] },
  { connection: 'globex' },
  { connection: '' },
  { connection: '../acme' },
])('what no connection serves is refused: %j', async (change) => {
  expectRefusal(
    await broker.open({ authorization_details: [{ ...writeWeb, ...change }] }),
    400,
    'invalid_request',
  )
})
