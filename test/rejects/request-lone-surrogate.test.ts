import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const lone = '\ud800'

// It has no UTF-8 and no canonical JSON: the audit could not be chained over it.
test.each([
  { purpose: lone },
  { context: { ticket: lone } },
  { context: { [lone]: 'x' } },
  { agent: lone },
  { authorization_details: [{ ...writeWeb, repositories: [`acme/${lone}`] }] },
  { authorization_details: [{ ...writeWeb, [lone]: 'x' }] },
])('half a character is refused: %j', async (body) => {
  expectRefusal(await broker.open(body), 400, 'invalid_request')
})

test('also when a credential is asked for', async () => {
  const { body: task } = await broker.open()
  expectRefusal(await broker.mint(task, writeWeb, { step: lone }), 400, 'invalid_request')
})

test('also in the claims of a token, without harm to the requests beside it', async () => {
  const [bad, ...good] = await Promise.all([
    broker.open({}, { actor: lone }),
    broker.open(),
    broker.open(),
    broker.open(),
  ])
  expectRefusal(bad!, 401, 'invalid_token')
  expect(good.map(({ status }) => status)).toEqual([201, 201, 201])
})

test('a whole character beyond the first plane is fine', async () => {
  const { status, body } = await broker.open({
    purpose: 'ship it \u{1f680}',
    context: { '\u{1f680}': '\u{1f680}' },
  })
  expect(status).toBe(201)
  expect(body).toMatchObject({ purpose: 'ship it \u{1f680}', context: { '\u{1f680}': '\u{1f680}' } })
})
