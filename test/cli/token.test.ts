import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const token = ['token', '--scope', 'github:acme/web:contents=read']
const tasks = async () =>
  (await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })).body.items as {
    status: string
  }[]

it('prints one secret and nothing else, and it works upstream', async () => {
  const { status, stdout, stderr } = await mayfly(token, {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^ghs_[\w.-]+\n$/)
  expect(await broker.use(stdout.trim())).toBe(200)
})

it('inside a task the credential is of that task, and dies when it is completed', async () => {
  const { body } = await broker.open()
  const { stdout, stderr } = await mayfly([...token, '--ttl', '5'], {
    MAYFLY_URL: broker.url,
    MAYFLY_TASK: body.id,
    MAYFLY_TASK_TOKEN: body.task_token,
  })
  // A shorter life was asked for than it has: that must not go unsaid.
  expect(stderr).toContain(body.expires_at)
  expect(await broker.use(stdout.trim())).toBe(200)
  await broker.complete(body)
  expect(await broker.use(stdout.trim())).toBe(401)
})

it('outside any task it opens one with the ttl and the purpose given', async () => {
  const { stdout } = await mayfly([...token, '--ttl', '60', '--purpose', 'look at it', '--json'], {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  const { lease, credential } = JSON.parse(stdout)
  expect(credential.token).toMatch(/^ghs_/)
  const life = Date.parse(lease.deadline) - Date.parse(lease.created_at)
  expect(life).toBeGreaterThan(55_000)
  expect(life).toBeLessThanOrEqual(60_000)
})

it('finds its identity in a file', async () => {
  const file = join(broker.directory, 'workload.token')
  await writeFile(file, `${await broker.workload()}\n`)
  const { status } = await mayfly([...token, '--token-file', file], {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: 'what-is-named-comes-first',
  })
  expect(status).toBe(0)
})

it("asks GitHub Actions for a token whose audience is the broker's url", async () => {
  const job = broker.sandbox.issuer.actions({ ...sandboxWorkload })
  const env = {
    MAYFLY_URL: broker.url,
    ACTIONS_ID_TOKEN_REQUEST_URL: job.url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.requestToken,
  }
  expect(await mayfly(token, env)).toMatchObject({ status: 0 })
  const elsewhere = await mayfly([...token, '--audience', 'https://elsewhere.example'], env)
  expect(elsewhere.status).toBe(1)
  expect(elsewhere.stderr).toContain('invalid_token')
})

it('what needs approval is refused, and leaves no task waiting', async () => {
  const { status, stdout, stderr } = await mayfly(['token', '--scope', 'github:acme/infra:contents=write'], {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain('approval of security')
  expect((await tasks()).filter((task) => task.status === 'pending_approval')).toEqual([])
})

it('what upstream refuses to mint leaves no task open', async () => {
  const active = async () => (await tasks()).filter((task) => task.status === 'active').length
  const before = await active()
  broker.sandbox.github.suspend()
  const { status, stdout } = await mayfly(token, {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  broker.sandbox.github.unsuspend()
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(await active()).toBe(before)
})
