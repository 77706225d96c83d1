import { expect, test } from 'vitest'
import { exchange } from '../support/oauth-form.ts'
import { expectOAuthError } from '../support/oauth-refusal.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// One call answers with one access token: which of the two it would be, nobody could say.
test.each([[[readWeb, writeWeb]], [[readWeb, readWeb]], [[[readWeb]]], [[null]], [[]]])(
  '%j is not one detail',
  async (details) => {
    const answer = await exchange(broker, { authorization_details: JSON.stringify(details) })
    expectOAuthError(answer, 400, 'invalid_authorization_details', 'invalid_request')
    expect(broker.sandbox.ledger.entries).toEqual([])
  },
)
