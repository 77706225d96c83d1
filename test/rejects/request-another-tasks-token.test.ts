import { expect, test } from 'vitest'
import { writeWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { body: ours } = await broker.open()
const { body: theirs } = await broker.open()
const { body: minted } = await broker.mint(theirs)

test.each([
  ['reads', 'GET', '', undefined],
  ['mints in', 'POST', '/credentials', { authorization_detail: writeWeb }],
  ['completes', 'POST', '/complete', undefined],
  ['revokes a lease of', 'POST', `/leases/${minted.lease.id}/revoke`, undefined],
])(
  'nobody %s a task with the token of another: it is not found, like one that does not exist',
  async (_verb, method, path, body) => {
    const [another, missing] = await Promise.all(
      [theirs.id, 'task_00000000000000000000000000000000'].map((id) =>
        broker.call(method, `/v1/tasks/${id}${path}`, { token: ours.task_token, body }),
      ),
    )
    expectRefusal(another!, 404, 'not_found')
    const { request_id: _one, ...answered } = another!.body
    const { request_id: _other, ...expected } = missing!.body
    expect(answered).toEqual(expected)
  },
)

test('nor does anybody revoke through a task of his own a lease of another', async () => {
  const path = `/v1/tasks/${ours.id}/leases/${minted.lease.id}/revoke`
  expectRefusal(await broker.call('POST', path, { token: ours.task_token }), 404, 'not_found')
})

test('after all of it the other task has lost nothing', async () => {
  expect((await broker.read(theirs)).body).toMatchObject({ status: 'active', leases: [{ status: 'active' }] })
  expect(await broker.use(minted.credential.token)).toBe(200)
})
