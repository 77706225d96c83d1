/** Much may change between the question and the yes: with the last yes everything is decided afresh. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { describedBroker } from '../support/described-broker.ts'
import { answer, ask, human, infra, needing, policy } from '../support/approvals.ts'

const broker = await describedBroker(needing('security'))
const { ledger } = broker.sandbox
const path = (name: string) => join(broker.directory, name)
const policies = path('policies/acme.cedar')
const agentFile = path('agents/refactor-bot.yaml')
const agent = await readFile(agentFile, 'utf8')

async function reload() {
  const token = await human(broker)
  expect((await broker.call('POST', '/v1/admin/reload', { token })).status).toBe(200)
}

beforeEach(async () => {
  await writeFile(policies, policy('security'))
  await writeFile(agentFile, agent)
  await reload()
})

test('a policy that asks another group besides: the old yes is not enough, and the task ends', async () => {
  const task = await ask(broker)
  await writeFile(policies, policy('security', 'legal'))
  await reload()
  expect((await broker.read(task)).body.status).toBe('pending_approval')
  const { status, body } = await answer(broker, 'approve', task.approvals[0])
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  expect((await broker.mint(task, infra)).body.code).toBe('task_not_active')
})

test('a policy that no longer allows it at all ends it before anyone has answered', async () => {
  const task = await ask(broker)
  await rm(policies)
  await reload()
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  expect((await answer(broker, 'approve', task.approvals[0])).body.code).toBe('conflict')
})

test('a policy that asks for nobody any more: the yes still starts the task', async () => {
  const task = await ask(broker)
  await writeFile(policies, policy())
  await reload()
  expect((await answer(broker, 'approve', task.approvals[0])).body.status).toBe('active')
})

test('a policy that asks for a yes from now on ends what runs without one', async () => {
  await writeFile(policies, policy())
  await reload()
  const { body: task } = await broker.open({ authorization_details: [infra] })
  const { body: minted } = await broker.mint(task, infra)
  await writeFile(policies, policy('security'))
  await reload()
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'policy_changed' })
  expect(await broker.use(minted.credential.token, '/repos/acme/infra')).toBe(401)
})

test('an approved task goes on across a reload that changes nothing for it', async () => {
  const task = await ask(broker)
  await answer(broker, 'approve', task.approvals[0])
  await reload()
  const { status, body } = await broker.mint(task, infra)
  expect(status).toBe(201)
  expect(await broker.use(body.credential.token, '/repos/acme/infra')).toBe(200)
})

test('an agent that is overdue by the time of the yes', async () => {
  const task = await ask(broker)
  await writeFile(agentFile, agent.replace('2099-12-31', '2020-01-01'))
  await reload()
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'agent_expired' })
})

test('an agent that is suspended by the time of the yes', async () => {
  const task = await ask(broker)
  const order = { token: await human(broker), body: { reason: 'a test' } }
  await broker.call('POST', '/v1/admin/agents/refactor-bot/suspend', order)
  expect((await answer(broker, 'approve', task.approvals[0])).body.code).toBe('conflict')
  expect((await broker.read(task)).body).toMatchObject({
    end_reason: 'agent_suspended',
    approvals: [{ status: 'expired' }],
  })
  await broker.call('POST', '/v1/admin/agents/refactor-bot/resume', order)
})

test('nothing is alive in the end', async () => {
  await broker.call('POST', '/v1/admin/revocations', {
    token: await human(broker),
    body: { selector: { all: true }, reason: 'the end' },
  })
  expect(ledger.alive()).toEqual([])
})
