import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const revoke = (...selector: string[]) => ['admin', 'revoke', ...selector, '--reason', 'a test']
const held = async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  return { task, secret: minted.credential.token as string, lease: minted.lease.id as string }
}
const asAdmin = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.admin() })

it('ends the task that is selected and kills its credential, and no other', async () => {
  const [one, other] = [await held(), await held()]
  const file = join(broker.directory, 'admin.token')
  await writeFile(file, await broker.admin())
  const args = [...revoke('--task', one.task.id), '--token-file', file, '--url', broker.url]
  const { status, stdout, stderr } = await mayfly(args)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^rev_\w+: ended 1 task; 1 lease matched: 1 over/)
  expect(await broker.use(one.secret)).toBe(401)
  expect(await broker.use(other.secret)).toBe(200)
})

it('tells with --json what the broker answered', async () => {
  const { task, secret, lease } = await held()
  const { status, stdout } = await mayfly([...revoke('--lease', lease), '--json'], await asAdmin())
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ tasks: [], matched: 1, revoked: 1, leases: [{ id: lease }] })
  expect(await broker.use(secret)).toBe(401)
  expect((await broker.read(task)).body.status).toBe('active')
})

it('reaches by agent and by --all', async () => {
  const first = await held()
  expect(await mayfly(revoke('--agent', 'refactor-bot'), await asAdmin())).toMatchObject({ status: 0 })
  expect(await broker.use(first.secret)).toBe(401)
  const second = await held()
  expect(await mayfly(revoke('--all'), await asAdmin())).toMatchObject({ status: 0 })
  expect(await broker.use(second.secret)).toBe(401)
})

it('says so when nothing was left to end', async () => {
  await mayfly(revoke('--all'), await asAdmin())
  const { status, stdout } = await mayfly(revoke('--agent', 'refactor-bot'), await asAdmin())
  expect(status).toBe(0)
  expect(stdout).toContain('nothing matched')
})

it('does not take a misspelt name for one that has nothing', async () => {
  const { status, stdout, stderr } = await mayfly(revoke('--agent', 'refactorbot'), await asAdmin())
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('mayfly: not_found: ')
})

it('does not call it done while upstream has not confirmed', async () => {
  const { task, secret } = await held()
  const outage = broker.sandbox.github.faults.add({ kind: 'status', status: 500 })
  const { status, stdout, stderr } = await mayfly(revoke('--task', task.id), await asAdmin())
  outage.clear()
  expect(status).toBe(1)
  expect(stdout).toContain('1 pending')
  expect(stderr).toMatch(/^mayfly: not_revoked: 1 of 1 lease/)
  expect(await broker.use(secret)).toBe(200)
})

it("a workload's own token is refused", async () => {
  const { task, secret } = await held()
  const env = { MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() }
  const { status, stdout, stderr } = await mayfly(revoke('--task', task.id), env)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('mayfly: forbidden: ')
  expect(await broker.use(secret)).toBe(200)
})

it("a job's surroundings are never taken for an admin", async () => {
  const job = broker.sandbox.issuer.actions({ sub: 'ada', groups: ['security'] })
  const { status, stderr } = await mayfly(revoke('--all'), {
    MAYFLY_URL: broker.url,
    ACTIONS_ID_TOKEN_REQUEST_URL: job.url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.requestToken,
  })
  expect(status).toBe(1)
  expect(stderr).toContain('no_identity')
})
