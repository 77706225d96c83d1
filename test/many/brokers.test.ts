/** Two brokers on one database, as those who ask them see it. */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Rows } from '../../src/store/rows.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { type Brokers, type RunningInstance, startBrokers } from '../support/brokers.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
let brokers: Brokers
let one: RunningInstance
let other: RunningInstance
beforeAll(async () => {
  server = await embeddedServer()
  brokers = await startBrokers({ count: 2, store: await server.database() })
  ;[one, other] = brokers.instances as [RunningInstance, RunningInstance]
}, serverTakesMs)
afterAll(async () => {
  await brokers?.[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
}, serverTakesMs)

const asked = { purpose: 'a test', authorization_details: [writeWeb], ttl: 600 }
const open = async (at: RunningInstance, body: object = {}, headers: Record<string, string> = {}) =>
  at.call('POST', '/v1/tasks', { token: await brokers.workload(), body: { ...asked, ...body }, headers })
const mint = (at: RunningInstance, task: { id: string; task_token: string }, detail: unknown = writeWeb) =>
  at.call('POST', `/v1/tasks/${task.id}/credentials`, {
    token: task.task_token,
    body: { authorization_detail: detail },
  })

it('each tells how many there are, and that they run with one configuration', async () => {
  await until(async () => (await one.call('GET', '/readyz')).body.brokers === 2)
  for (const at of [one, other])
    expect((await at.call('GET', '/readyz')).body).toEqual({
      status: 'ready',
      brokers: 2,
      configurations: 1,
    })
})

it('a task opened at one goes on at the other, and ends at either', async () => {
  const { body: task } = await open(one)
  const minted = await mint(other, task)
  expect(minted.status).toBe(201)
  const ended = await one.call('POST', `/v1/tasks/${task.id}/complete`, { token: task.task_token })
  expect(ended.body).toMatchObject({ status: 'completed', leases: [{ status: 'revoked' }] })
  expect((await mint(other, task)).body.code).toBe('task_not_active')
})

it('an identity token opens one task, at whichever it is used first', async () => {
  const token = await brokers.workload({ jti: 'once' })
  const answers = await Promise.all(
    [one, other, one, other].map((at) => at.call('POST', '/v1/tasks', { token, body: asked })),
  )
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.code === 'token_replayed')).toHaveLength(3)
})

it('a request sent again elsewhere under its Idempotency-Key goes on with the same task', async () => {
  const token = await brokers.workload()
  const headers = { 'Idempotency-Key': 'the same' }
  const answers = await Promise.all(
    [one, other, one, other].map((at) => at.call('POST', '/v1/tasks', { token, body: asked, headers })),
  )
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
})

it('an agent suspended at one gets nothing at the other from then on, and its credentials die', async () => {
  const { body: task } = await open(one)
  const { body: minted } = await mint(other, task)
  expect(minted.credential).toBeDefined()
  const suspended = await one.call('POST', '/v1/admin/agents/refactor-bot/suspend', {
    token: await brokers.admin(),
    body: { reason: 'a test' },
  })
  expect(suspended.status).toBe(200)
  expect((await open(other)).body.code).toBe('agent_suspended')
  const read = await other.call('GET', `/v1/tasks/${task.id}`, { token: task.task_token })
  expect(read.body).toMatchObject({ status: 'revoked', leases: [{ status: 'revoked' }] })
  const lifted = await other.call('POST', '/v1/admin/agents/refactor-bot/resume', {
    token: await brokers.admin(),
    body: { reason: 'a test' },
  })
  expect(lifted.status).toBe(200)
  expect((await open(one)).status).toBe(201)
})

it('who waits at one hears of what is decided at the other', async () => {
  const infra = { ...readWeb, repositories: ['acme/infra'], permissions: { contents: 'write' } }
  const { body: task } = await open(one, { authorization_details: [infra] })
  expect(task.status).toBe('pending_approval')
  const waiting = one.call('GET', `/v1/tasks/${task.id}?wait=30`, { token: task.task_token })
  const { id: approval, digest } = task.approvals[0]
  const yes = await other.call('POST', `/v1/admin/approvals/${approval}/approve`, {
    token: await brokers.admin(),
    body: { digest },
  })
  expect(yes.status).toBe(200)
  expect((await waiting).body.status).toBe('active')
})

it('a task opened at one and approved at the other ends at its deadline', async () => {
  const infra = { ...readWeb, repositories: ['acme/infra'], permissions: { contents: 'write' } }
  const { body: task } = await open(one, { authorization_details: [infra], ttl: 2, purpose: 'a short one' })
  const { id: approval, digest } = task.approvals[0]
  await other.call('POST', `/v1/admin/approvals/${approval}/approve`, {
    token: await brokers.admin(),
    body: { digest },
  })
  const read = () => one.call('GET', `/v1/tasks/${task.id}`, { token: task.task_token })
  expect((await read()).body.status).toBe('active')
  await until(async () => (await read()).body.status === 'expired')
})

it('what runs with another configuration is told of, and decides by its own', async () => {
  const { body: task } = await open(one, { authorization_details: [readWeb] })
  await writeFile(join(dirname(other.file), 'policies/acme.cedar'), '// Nobody may do anything.\n')
  await other.broker.reload()
  await until(async () => (await one.call('GET', '/readyz')).body.configurations === 2)
  for (const { log } of [one, other])
    await until(() => log.some((line) => line.includes('run with different configurations')))
  const metrics = await one.call('GET', '/metrics')
  expect(metrics.body).toContain('mayfly_broker_configurations 2')
  // What was opened under the one is decided afresh under the other.
  await until(
    async () =>
      (await one.call('GET', `/v1/tasks/${task.id}`, { token: task.task_token })).body.status === 'revoked',
  )
  const anew = await open(one, { authorization_details: [readWeb] })
  expect(anew.status).toBe(201)
  const refused = await mint(other, anew.body, readWeb)
  expect(['policy_denied', 'task_not_active']).toContain(refused.body.code)
})

it('one that stops is told of in the log of the other', async () => {
  await other.broker.close()
  await until(async () => one.log.some((line) => line.includes('a broker has gone')))
})

it('what a reload no longer allows ends, though what comes after in it fails', async () => {
  const { body: task } = await open(one)
  await until(async () => (await one.call('GET', '/readyz')).body.brokers === 1)
  vi.spyOn(Rows.prototype, 'reseal').mockRejectedValueOnce(new Error('the store is away'))
  await writeFile(join(dirname(one.file), 'policies/acme.cedar'), '// Nobody may do anything.\n')
  await expect(one.broker.reload()).rejects.toThrow('the store is away')
  await until(
    async () =>
      (await one.call('GET', `/v1/tasks/${task.id}`, { token: task.task_token })).body.status === 'revoked',
  )
})
