import { test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

test.each([
  ['missing', undefined],
  ['empty', []],
  ['one that is no list', writeWeb],
  ['JSON in a string', JSON.stringify([writeWeb])],
  ['twenty-one', Array.from({ length: 21 }, () => writeWeb)],
])('authorization details that are %s are refused', async (_what, authorization_details) => {
  expectRefusal(await broker.open({ authorization_details }), 400, 'invalid_request')
})
