import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// To GitHub, a list left out or empty means everything that the installation has.
test.each([
  { permissions: {} },
  { permissions: undefined },
  { permissions: null },
  { permissions: { contents: null } },
  { repositories: [] },
  { repositories: undefined },
  { repositories: [''] },
  { repositories: '*' },
  { repositories: ['acme/*'] },
  { repositories: ['acme'] },
])('a detail that would mean everything is refused: %j', async (change) => {
  const detail = { ...writeWeb, ...change }
  expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
  const { body: task } = await broker.open()
  expectRefusal(await broker.mint(task, detail), 400, 'invalid_request')
  expect(broker.sandbox.ledger.entries).toEqual([])
})
