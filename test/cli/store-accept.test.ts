/** A backup that was restored: it brings nothing back, until somebody says so. */
import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { readWeb } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
const { ledger } = broker.sandbox
const store = join(broker.directory, 'mayfly.db')
const command = ['store', 'accept', '-c', broker.file, '--reason', 'restored']
const accept = (...args: string[]) => mayfly([...command, ...args], process.env)

/** What is done after the backup was made, and undone by restoring it. */
async function goBack(work: () => Promise<unknown>) {
  await broker.stop()
  copyFileSync(store, `${store}.backup`)
  await broker.start()
  await work()
  await broker.stop()
  for (const end of ['', '-wal', '-shm']) if (existsSync(store + end)) rmSync(store + end)
  copyFileSync(`${store}.backup`, store)
}

test('a store that is as it was left has nothing to accept', async () => {
  expect(await accept('--yes')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('another broker'),
  })
  await broker.stop()
  expect(await accept('--yes', '--json')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('"accepted":false'),
  })
  await broker.start()
})

test('what was revoked, suspended and used up is not back; accepted, the store grants to others', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const token = await broker.workload()
  const body = { purpose: 'a test', authorization_details: [readWeb], ttl: 600 }
  const open = () => broker.call('POST', '/v1/tasks', { token, body })
  const admin = await broker.admin()
  const lift = () =>
    broker.call('POST', '/v1/admin/agents/refactor-bot/resume', { token: admin, body: { reason: 'done' } })
  await goBack(async () => {
    expect((await open()).status).toBe(201)
    await broker.complete(task)
    await broker.call('POST', '/v1/admin/agents/refactor-bot/suspend', {
      token: admin,
      body: { reason: 'odd' },
    })
  })
  expect(ledger.find(minted.credential.token)!.revokedAt).toBeDefined()

  await broker.start()
  expect((await broker.read(task)).body).toMatchObject({ status: 'active' })
  expectRefusal(await open(), 503, 'unavailable')
  expectRefusal(await broker.mint(task), 503, 'unavailable')
  expectRefusal(await broker.call('GET', '/readyz'), 503, 'unavailable')
  expect(await lift()).toMatchObject({ status: 409 })
  await until(() => rows(broker, 'audit_events', "type = 'store.doubted'").length > 0)
  expect(await discrepancies(broker)).toContainEqual({
    message: expect.stringContaining('was kept outside it'),
  })
  await broker.stop()

  const asking = startMayfly(command, process.env)
  asking.process.stdin!.end('n\n')
  const asked = await asking.ended
  expect(asked).toMatchObject({ status: 1, stderr: expect.stringContaining('not_confirmed') })
  expect(asked.stderr).toContain('in doubt: the store ends at event')
  const accepted = await accept('--yes', '--json')
  expect(accepted).toMatchObject({ status: 0 })
  expect(JSON.parse(accepted.stdout)).toMatchObject({
    accepted: true,
    doubts: [expect.stringContaining('was kept outside it')],
    tasks: [task.id],
    leases: 1,
    alive: 0,
  })

  await broker.start()
  expectRefusal(await broker.mint(task), 409, 'task_not_active')
  expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', leases: [{ status: 'revoked' }] })
  expect(await discrepancies(broker)).toEqual([])
  const { body: next } = await broker.open()
  expect((await broker.mint(next)).status).toBe(201)
  await broker.complete(next)
})
