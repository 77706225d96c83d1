/** The same request asked again while it waits: nobody is asked for the same yes twice. */
import { expect, test } from 'vitest'
import { answer, human, infra, needing } from '../support/approvals.ts'
import { type Answer, writeWeb } from '../support/broker.ts'
import { openChild } from '../support/children.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { exchange } from '../support/oauth-form.ts'
import { expectRefusal } from '../support/refusal.ts'

const broker = await describedBroker(needing('security'))
const asked = {
  purpose: 'rotate the nodes',
  authorization_details: [infra],
  ttl: 600,
  context: { ticket: '7' },
}
const ask = (changed: object = {}, claims: Record<string, unknown> = {}) =>
  broker.open({ ...asked, ...changed }, claims)
const clear = async () =>
  broker.call('POST', '/v1/admin/revocations', {
    token: await human(broker),
    body: { selector: { all: true }, reason: 'a test' },
  })
const approvalsOf = (task: Answer['body']) => rows(broker, 'approvals', `task = '${task.id}'`)

test('it joins the one that waits, whoever holds that goes on holding it, and one yes is for all', async () => {
  const first = await ask()
  const again = await ask()
  expect(again.status).toBe(202)
  expect(again.body).toMatchObject({ id: first.body.id, expires_at: first.body.expires_at })
  expect(approvalsOf(first.body)).toHaveLength(1)
  for (const task of [first.body, again.body]) expect((await broker.read(task)).status).toBe(200)
  expect(
    rows(broker, 'audit_events', `task = '${first.body.id}' order by seq`).map(({ type }) => type),
  ).toEqual(['task.opened', 'approval.requested', 'task.joined'])

  await answer(broker, 'approve', first.body.approvals[0])
  for (const task of [first.body, again.body]) expect((await broker.mint(task, infra)).status).toBe(201)
  // It waits no longer, so the next request is one of its own.
  const next = await ask()
  expect(next.body.id).not.toBe(first.body.id)
  await clear()
})

test('what was delegated does not join a grant of its own, which nothing bounds', async () => {
  const { body: parent } = await ask()
  await answer(broker, 'approve', parent.approvals[0])
  const { body: own } = await openChild(broker, parent, asked)
  const { body } = await broker.call('POST', `/v1/tasks/${parent.id}/delegations`, {
    token: parent.task_token,
    body: { agent: parent.agent, authorization_details: [infra] },
  })
  const { body: delegated } = await ask({ delegation: body.delegation })
  expect([own, delegated]).toMatchObject(
    [own, delegated].map(() => ({ status: 'pending_approval', parent: parent.id })),
  )
  expect(delegated.id).not.toBe(own.id)
  await clear()
})

test('it uses the token up that it came with', async () => {
  const { body: first } = await ask()
  const token = await broker.workload()
  const send = () => broker.call('POST', '/v1/tasks', { token, body: asked })
  expect((await send()).body.id).toBe(first.id)
  expectRefusal(await send(), 401, 'token_replayed')
  await clear()
})

test.each([
  ['another purpose', { purpose: 'rotate the other nodes' }, {}],
  ['another ttl', { ttl: 601 }, {}],
  ['another context', { context: { ticket: '8' } }, {}],
  ['no context', { context: undefined }, {}],
  ['less', { authorization_details: [{ ...infra, permissions: { contents: 'read' } }] }, {}],
  ['more', { authorization_details: [infra, writeWeb] }, {}],
  ['another run', {}, { run_id: '2' }],
  ['another branch under the same subject', {}, { ref: 'refs/heads/other' }],
  ['a claim that the other lacks', {}, { actor: 'mallory' }],
])('%s is another request', async (_what, changed, claims) => {
  const { body: first } = await ask({}, { run_id: '1', ref: 'refs/heads/main' })
  const { body: second } = await ask(changed, { run_id: '1', ref: 'refs/heads/main', ...claims })
  expect(second.id).not.toBe(first.id)
  await clear()
})

test('by exchange too', async () => {
  const details = { purpose: 'rotate', ttl: '600', authorization_details: JSON.stringify([infra]) }
  const [first, again] = [await exchange(broker, details), await exchange(broker, details)]
  expect([first.body.error, again.body.error]).toEqual(['authorization_pending', 'authorization_pending'])
  expect(again.body.task.id).toBe(first.body.task.id)
  await clear()
})

test('what is past its time, or ended, is not joined', async () => {
  const { body: first } = await ask()
  await broker.complete(first)
  const { body: second } = await ask()
  expect(second.id).not.toBe(first.id)
  await clear()
})

test('after a restart it is joined all the same, with a token of its own', async () => {
  const { body: first } = await ask()
  await broker.stop()
  await broker.start()
  const { body: again } = await ask()
  expect(again.id).toBe(first.id)
  expect((await broker.read(again)).status).toBe(200)
  await clear()
})
