/** An exchange that waits for a human: how the job hears of it, and how it goes on. */
import { expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { type Answer, writeWeb } from '../support/broker.ts'
import { exchange, form, post, revoke } from '../support/oauth-form.ts'

const broker = await describedBroker()
const { ledger } = broker.sandbox
const infra = { ...writeWeb, repositories: ['acme/infra'] }
const authorization_details = JSON.stringify([infra])

async function answered(task: Answer['body'], verb: 'approve' | 'deny') {
  const [{ id, digest }] = task.approvals
  const options = { token: await broker.admin(), body: { digest } }
  return await broker.call('POST', `/v1/admin/approvals/${id}/${verb}`, options)
}

test('it is told authorization_pending, with the task and the token through which it goes on', async () => {
  const { status, headers, body } = await exchange(broker, { authorization_details })
  expect(status).toBe(400)
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(body).toMatchObject({
    error: 'authorization_pending',
    task: { status: 'pending_approval', approvals: [{ group: 'security', status: 'pending' }] },
    task_token: expect.stringMatching(/^mft_/),
  })
  const task = { ...body.task, task_token: body.task_token }
  expect((await broker.mint(task, infra)).body.code).toBe('task_not_active')

  expect((await answered(body.task, 'approve')).body.status).toBe('active')
  const { status: minted, body: given } = await broker.mint(task, infra)
  expect(minted).toBe(201)
  expect(await broker.use(given.credential.token, '/repos/acme/infra')).toBe(200)
  await broker.complete(task)
})

test('or it asks again with the same key, and gets its credential once the yes is there', async () => {
  const asked = await form(broker, { authorization_details })
  const again = () => post(broker, '/oauth/token', asked, { 'Idempotency-Key': 'a' })
  const first = await again()
  const second = await again()
  expect(second.body).toMatchObject({ error: 'authorization_pending', task: { id: first.body.task.id } })
  expect(second.body.task_token).not.toBe(first.body.task_token)
  await answered(first.body.task, 'approve')
  const { status, body } = await again()
  expect(status).toBe(200)
  expect(body.task.id).toBe(first.body.task.id)
  await revoke(broker, body.access_token)
})

test('a no ends it', async () => {
  const { body } = await exchange(broker, { authorization_details })
  expect((await answered(body.task, 'deny')).body).toMatchObject({ status: 'denied', end_reason: 'denied' })
  const task = { ...body.task, task_token: body.task_token }
  expect((await broker.mint(task, infra)).body.code).toBe('task_not_active')
})

test('its wait can be given up by revoking the task token', async () => {
  const { body } = await exchange(broker, { authorization_details })
  await revoke(broker, body.task_token)
  expect((await answered(body.task, 'approve')).body.code).toBe('conflict')
})

test('nothing is alive', () => expect(ledger.alive()).toEqual([]))
