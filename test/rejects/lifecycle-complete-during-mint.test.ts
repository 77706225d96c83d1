import { expect, test } from 'vitest'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { github, ledger } = broker.sandbox

test.each([
  ['completed', (id: string, token: string) => broker.call('POST', `/v1/tasks/${id}/complete`, { token })],
  ['revoked', (id: string) => broker.revoke({ task: id })],
  ['revoked with everything else', () => broker.revoke({ all: true })],
])(
  'a task is %s while its credential is being minted: it is never delivered, and dead',
  async (_how, end) => {
    const { body: task } = await broker.open()
    const slow = github.faults.add({ kind: 'slow', ms: 300, on: mints, times: 1 })
    const minting = broker.mint(task)
    await until(() => slow.hits === 1)

    expect((await end(task.id, task.task_token)).status).toBe(200)

    expectRefusal(await minting, 409, 'task_not_active')
    const entry = ledger.entries.at(-1)!
    expect(entry.revokedAt).toBeDefined()
    expect(entry.uses).toBe(0)
    expect((await broker.read(task)).body.leases).toMatchObject([
      { status: 'revoked', fingerprint: entry.fingerprint, evidence: { result: 'dead' } },
    ])
  },
)

test('only the lease is revoked while it is being minted: the task goes on', async () => {
  const { body: task } = await broker.open()
  const slow = github.faults.add({ kind: 'slow', ms: 300, on: mints, times: 1 })
  const minting = broker.mint(task)
  await until(() => slow.hits === 1)
  const [lease] = (await broker.read(task)).body.leases
  expect(lease.status).toBe('pending')

  const path = `/v1/tasks/${task.id}/leases/${lease.id}/revoke`
  expect((await broker.call('POST', path, { token: task.task_token })).body.status).toBe('revoking')

  expectRefusal(await minting, 409, 'conflict')
  expect(ledger.entries.at(-1)!.revokedAt).toBeDefined()
  expect((await broker.mint(task)).status).toBe(201)
})
