import { expect, test } from 'vitest'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: task } = await broker.open()
const { body: minted } = await broker.mint(task)

// A selector misread is either an outage or a credential that lives on.
test.each([
  {},
  { all: false },
  { all: 'true' },
  { all: true, agent: 'refactor-bot' },
  { task: task.id, lease: minted.lease.id },
  { agent: '' },
  { agent: ['refactor-bot'] },
  { agent: 'refactor-bot\n' },
  { agents: 'refactor-bot' },
  { status: 'active' },
])('the selector %j is refused', async (selector) => {
  expectRefusal(await broker.revoke(selector), 400, 'invalid_request')
  expect(await broker.use(minted.credential.token)).toBe(200)
})

test('so is an order without a reason', async () => {
  for (const reason of [undefined, '', 1]) {
    const body = { selector: { all: true }, reason }
    const answer = await broker.call('POST', '/v1/admin/revocations', { token: await broker.admin(), body })
    expectRefusal(answer, 400, 'invalid_request')
  }
  expect(await broker.use(minted.credential.token)).toBe(200)
})
