/** Connections and seal keys in change: what was minted can always be revoked. */
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { startGithub } from '../../src/sandbox/github.ts'
import { createLedger } from '../../src/sandbox/ledger.ts'
import { describedBroker } from '../support/described-broker.ts'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { until } from '../support/until.ts'
import { filesOf } from '../support/broker-files.ts'

const broker = await describedBroker()
const { github, ledger } = broker.sandbox
const files = await filesOf(broker)
const { configure, reload, write } = files
const retire = () => configure(({ providers }) => (providers.github[0].retired = true))

beforeEach(async () => {
  github.faults.clear()
  await files.restore()
  expect((await reload()).status).toBe(200)
  await broker.revoke({ all: true })
  expect(ledger.alive()).toEqual([])
})

test('a retired connection mints nothing more, and what it has minted is revoked', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)
  await retire()
  expect((await reload()).status).toBe(200)
  expectRefusal(await broker.open(), 400, 'invalid_request')
  // Its task could no longer be opened, so it has ended.
  expect((await broker.read(task)).body).toMatchObject({
    status: 'revoked',
    end_reason: 'policy_changed',
    leases: [{ status: 'revoked', evidence: { result: 'dead' } }],
  })
  expect(await broker.use(minted.credential.token)).toBe(401)
  await configure((settings) => (settings.providers = {}))
  expect((await reload()).status).toBe(200)
})

test('a retired connection goes on revoking what its upstream did not take back at once', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)
  const down = github.faults.add({ kind: 'status', status: 503 })
  await retire()
  expect((await reload()).status).toBe(200)
  await configure((settings) => (settings.providers = {}))
  expectRefusal(await reload(), 409, 'conflict')
  down.clear()
  await until(() => ledger.find(minted.credential.token)!.revokedAt, 20_000)
  await until(async () => (await reload()).status === 200)
})

test('a connection may not lead elsewhere while a lease was minted where it leads now', async () => {
  const other = await startGithub(systemClock(), createLedger(systemClock()), {
    owner: 'acme',
    repositories: ['web'],
  })
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task, readWeb)
  await configure(({ providers }) => (providers.github[0].api = other.url))
  const refused = await reload()
  expectRefusal(refused, 409, 'conflict')
  expect(refused.body.detail).toContain(`the github connection acme as it was, leading to ${github.url}`)
  expect((await broker.complete(task)).body.leases).toMatchObject([
    { status: 'revoked', evidence: { result: 'dead' } },
  ])
  expect(await broker.use(minted.credential.token)).toBe(401)
  expect((await reload()).status).toBe(200)
  await other.close()
})

test('a lease whose mint is under way counts as needing its connection', async () => {
  const { body: task } = await broker.open()
  const slow = github.faults.add({ kind: 'slow', ms: 300, on: mints, times: 1 })
  const minting = broker.mint(task, readWeb)
  await until(() => slow.hits === 1)
  await configure((settings) => (settings.providers = {}))
  expectRefusal(await reload(), 409, 'conflict')
  expect((await minting).status).toBe(201)
})

test('a new seal key before the old one: what was sealed is still revoked, what is new is sealed anew', async () => {
  const { body: task } = await broker.open()
  await broker.mint(task, readWeb)
  await write('new.key', Buffer.alloc(32, 7).toString('base64'))
  const key = { id: 'k2', secret: { file: './new.key' } }
  await configure(({ seal }) => seal.keys.unshift(key))
  expect((await reload()).status).toBe(200)
  await broker.mint(task, readWeb)
  const keys = rows(broker, 'leases', `task = '${task.id}' order by ordinal`).map(
    ({ handle }) => handle!.split('.')[0],
  )
  expect(keys).toEqual(['k1', 'k2'])
  await configure(({ seal }) => (seal.keys = [key]))
  expectRefusal(await reload(), 409, 'conflict')
  expect((await broker.complete(task)).body.leases).toMatchObject([
    { status: 'revoked' },
    { status: 'revoked' },
  ])
  expect((await reload()).status).toBe(200)
  const { body: next } = await broker.open()
  expect((await broker.mint(next, readWeb)).status).toBe(201)
  // Back to where the other tests start from.
  await configure(({ seal }) => seal.keys.push(key))
  expect((await reload()).status).toBe(200)
  await broker.revoke({ all: true })
})
