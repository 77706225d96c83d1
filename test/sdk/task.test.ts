/** The package's main export, against a real broker and its upstream. */
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test, vi } from 'vitest'
import { BrokerProblem, CredentialsAlive, currentTask, NotConfigured, openTask } from '../../src/index.ts'
import { readWeb, writeWeb } from '../support/broker.ts'
import { mints } from '../support/github.ts'
import { surroundings } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker()
afterEach(() => vi.unstubAllEnvs())

const given = {
  url: broker.url,
  identity: () => broker.workload(),
  purpose: 'a test',
  scope: [writeWeb],
  ttl: 600,
}
const tokenOf = ({ credential }: { credential: Record<string, unknown> }) => String(credential['token'])

test('a credential works inside the block, and is dead once the block is left', async () => {
  let token
  {
    await using task = await openTask(given)
    token = tokenOf(await task.credential())
    expect(await broker.use(token)).toBe(200)
  }
  expect(await broker.use(token)).toBe(401)
})

test('it is dead too when the block is left by an error, which is not lost', async () => {
  let token = ''
  const failing = async () => {
    await using task = await openTask(given)
    token = tokenOf(await task.credential(readWeb))
    throw new Error('the work failed')
  }
  await expect(failing()).rejects.toThrow('the work failed')
  expect(await broker.use(token)).toBe(401)
})

test('completed once, it answers the same again, with its leases seen dead', async () => {
  const task = await openTask(given)
  await task.credential()
  const ended = await task.complete()
  expect(ended).toMatchObject({
    status: 'completed',
    leases: [{ status: 'revoked', evidence: { result: 'dead' } }],
  })
  expect(await task.complete()).toBe(ended)
})

test('what upstream keeps alive is an error that names it', async () => {
  const task = await openTask(given)
  const { lease } = await task.credential()
  const { faults } = broker.sandbox.github
  faults.add({ kind: 'status', status: 500, on: (request) => request.method === 'DELETE' })
  await expect(task.complete()).rejects.toSatisfy(
    (error) => error instanceof CredentialsAlive && error.leases[0]?.id === lease.id,
  )
  faults.clear()
})

test('a mint whose answer was lost is made again, and what nobody was given is no error in the end', async () => {
  const task = await openTask(given)
  const { faults } = broker.sandbox.github
  faults.add({ kind: 'reset-after-processing', times: 1, on: mints })
  const credential = await task.credential()
  expect(await broker.use(tokenOf(credential))).toBe(200)
  const ended = await task.complete()
  expect(ended.leases.map(({ status, fingerprint }) => [status, fingerprint !== null])).toEqual([
    ['revoking', false],
    ['revoked', true],
  ])
  expect(await broker.use(tokenOf(credential))).toBe(401)
})

test('a refusal has its code, what was denied, and a remedy', async () => {
  const scope = [{ type: 'github', repositories: ['acme/docs'], permissions: { contents: 'write' } }]
  const refused = await openTask({ ...given, scope }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(BrokerProblem)
  expect(refused).toMatchObject({
    code: 'policy_denied',
    denials: [{ action: 'github.contents.write' }],
    remedy: expect.stringMatching(/\w/),
    requestId: expect.stringMatching(/\w/),
  })
})

test('approval is waited for, and told; a no ends it', async () => {
  const scope = [{ type: 'github', repositories: ['acme/infra'], permissions: { contents: 'write' } }]
  const answer = async (how: 'approve' | 'deny') => {
    const token = await broker.admin()
    const pending = () => broker.call('GET', '/v1/admin/approvals?status=pending', { token })
    await until(async () => (await pending()).body.items.length > 0)
    const [{ id, digest }] = (await pending()).body.items
    const { status } = await broker.call('POST', `/v1/admin/approvals/${id}/${how}`, {
      token,
      body: { digest },
    })
    expect(status).toBe(200)
  }
  const asked: string[] = []
  const onApproval = ({ approvals }: { approvals: { group: string }[] }) =>
    void asked.push(...approvals.map(({ group }) => group))
  const approved = openTask({ ...given, scope, onApproval })
  await answer('approve')
  const task = await approved
  expect(asked).toEqual(['security'])
  expect((await task.credential()).lease.status).toBe('active')
  await task.complete()

  const denied = expect(openTask({ ...given, scope })).rejects.toMatchObject({
    name: 'TaskNotApproved',
    task: { status: 'denied' },
  })
  await answer('deny')
  await denied
})

test('a process inside a task acts in it, and does not end it', async () => {
  await using outer = await openTask(given)
  for (const [name, value] of Object.entries({ ...outer.environment, MAYFLY_URL: broker.url }))
    vi.stubEnv(name, value)
  const inner = currentTask()
  expect(inner?.id).toBe(outer.id)
  expect((await inner!.credential()).lease.status).toBe('active')
})

test('outside any task there is none, and without a URL there is no broker', async () => {
  vi.stubEnv('MAYFLY_URL', undefined)
  expect(currentTask()).toBeUndefined()
  await expect(openTask({ purpose: 'a test', scope: [readWeb] })).rejects.toBeInstanceOf(NotConfigured)
})

test('the example of its page runs as it stands', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/sdk.md'), 'utf8')
  const [, example = ''] = /```ts\n(.*?)```/s.exec(page) ?? []
  const file = join(broker.directory, 'example.ts')
  const index = new URL('../../src/index.ts', import.meta.url).href
  await writeFile(file, example.replace("'mayfly-broker'", JSON.stringify(index)))
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    env: {
      ...surroundings(),
      MAYFLY_URL: broker.url,
      MAYFLY_TOKEN: await broker.workload(),
      GITHUB_API_URL: broker.sandbox.github.url,
    },
  })
  expect(stdout).toBe('200\n')
})
