/** One task from its opening to an hour after its end, in time that stands still between calls. */
import { expect, test } from 'vitest'
import { readWeb, writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })
const { ledger } = broker.sandbox

test('a task is opened with an identity, and answers with all that is known of it', async () => {
  const opened = await broker.open({ purpose: 'rename a module', context: { model: 'm' } })
  expect(opened.status).toBe(201)
  expect(opened.body).toEqual({
    id: expect.stringMatching(/^task_[0-9a-f]{32}$/),
    status: 'active',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    purpose: 'rename a module',
    authorization_details: [writeWeb],
    upstreams: [{ provider: 'github', connection: 'acme', host: 'github.com' }],
    ttl: 600,
    context: { model: 'm' },
    parent: null,
    created_at: new Date(clock.now()).toISOString(),
    expires_at: new Date(clock.now() + 600_000).toISOString(),
    ended_at: null,
    end_reason: null,
    approvals: [],
    leases: [],
    task_token: expect.stringMatching(/^mft_[A-Za-z0-9_-]{43}$/),
  })
  const read = await broker.read(opened.body)
  const { task_token, ...rest } = opened.body
  expect(read.status).toBe(200)
  expect(read.body).toEqual(rest)
  expect(JSON.stringify(read.body)).not.toContain(task_token)
})

test('without a ttl a task gets 900 seconds', async () => {
  const { body } = await broker.open({ ttl: undefined })
  expect(body.ttl).toBe(900)
  expect(Date.parse(body.expires_at)).toBe(clock.now() + 900_000)
})

test('a completed task answers with its leases revoked and probed dead', async () => {
  const { body: task } = await broker.open({
    authorization_details: [writeWeb, { ...readWeb, repositories: ['acme/docs'] }],
  })
  const first = await broker.mint(task)
  const second = await broker.mint(task, { ...readWeb, repositories: ['acme/docs'] })
  expect(await broker.use(first.body.credential.token)).toBe(200)

  const completed = await broker.complete(task)

  expect(completed.status).toBe(200)
  expect(completed.body).toMatchObject({
    status: 'completed',
    end_reason: 'completed',
    ended_at: new Date(clock.now()).toISOString(),
  })
  expect(completed.body.leases).toHaveLength(2)
  for (const lease of completed.body.leases)
    expect(lease).toMatchObject({
      status: 'revoked',
      ended_at: new Date(clock.now()).toISOString(),
      evidence: { result: 'dead', at: new Date(clock.now()).toISOString() },
    })
  for (const { body } of [first, second]) {
    expect(ledger.find(body.credential.token)?.revokedAt).toBe(clock.now())
    expect(await broker.use(body.credential.token)).toBe(401)
  }
})

test('completing is idempotent: an ended task is answered as it is', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task)
  const first = await broker.complete(task)
  await clock.advance(60_000)
  const again = await broker.complete(task)
  expect(again.status).toBe(200)
  expect(again.body).toEqual(first.body)
})

test('an ended task can be read for an hour, and then is not found', async () => {
  const { body: task } = await broker.open()
  const { body: ended } = await broker.complete(task)
  await clock.advance(3_599_000)
  const late = await broker.read(task)
  expect(late.status).toBe(200)
  expect(late.body).toEqual(ended)
  await clock.advance(1_000)
  expectRefusal(await broker.read(task), 404, 'not_found')
  expectRefusal(await broker.complete(task), 404, 'not_found')
})

test('a task whose deadline passes is expired, and its credential is dead', async () => {
  const { body: task } = await broker.open({ ttl: 60 })
  const { body: minted } = await broker.mint(task)
  expect(minted.lease.deadline).toBe(task.expires_at)
  await clock.advance(59_999)
  expect((await broker.read(task)).body.status).toBe('active')
  await clock.advance(1)
  await expect.poll(() => ledger.find(minted.credential.token)?.revokedAt).toBe(Date.parse(task.expires_at))
  await expect
    .poll(async () => (await broker.read(task)).body)
    .toMatchObject({
      status: 'expired',
      end_reason: 'deadline',
      leases: [{ status: 'revoked', evidence: { result: 'dead' } }],
    })
})
