import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const scope = ['--scope', 'github:acme/web:contents=write']
const open = ['task', 'open', '--purpose', 'a test', ...scope]
const identity = async () => ({ MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() })

describe('task open', () => {
  it('prints the task, and what it takes to act in it', async () => {
    const env = await identity()
    const { status, stdout, stderr } = await mayfly([...open, '--ttl', '60'], env)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^task_\w+ active\n/)
    expect(stdout).toContain('acme/web')
    expect(stdout).toMatch(/\nexport MAYFLY_TASK=task_\w+ MAYFLY_TASK_TOKEN=mft_\S+\n$/)
    expect(stdout).not.toContain(env.MAYFLY_TOKEN)
  })

  it('prints with --json the task and its token, one object', async () => {
    const { status, stdout } = await mayfly(
      [
        ...open,
        '--scope',
        'github:acme/docs:contents=read',
        '--ttl',
        '60',
        '--context',
        'model=m=1',
        '--json',
      ],
      await identity(),
    )
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'active',
      ttl: 60,
      context: { model: 'm=1' },
      authorization_details: [{ repositories: ['acme/web'] }, { repositories: ['acme/docs'] }],
      task_token: expect.stringMatching(/^mft_/),
    })
  })

  it('tells a denial with its code, what was denied and by which policy, and what to do', async () => {
    const args = ['task', 'open', '--purpose', 'a test', '--scope', 'github:acme/docs:contents=write']
    const { status, stdout, stderr } = await mayfly(args, await identity())
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr.split('\n')).toEqual([
      'mayfly: policy_denied: policy does not allow this: github.contents.write on GithubRepository::"acme/docs" (forbidden by docs-are-read-only)',
      '  Ask for less, or have the policy changed.',
      '',
    ])
  })

  it('tells a denial with --json as one object on stderr', async () => {
    const args = [
      'task',
      'open',
      '--purpose',
      'a test',
      '--scope',
      'github:acme/docs:contents=write',
      '--json',
    ]
    const { status, stdout, stderr } = await mayfly(args, await identity())
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({
      code: 'policy_denied',
      status: 403,
      detail: 'policy does not allow this',
      denials: [{ action: 'github.contents.write', policies: ['docs-are-read-only'] }],
      request_id: expect.stringMatching(/^req_/),
    })
  })

  it('says with --env that a task awaits approval, beside the line for the shell', async () => {
    const args = [
      'task',
      'open',
      '--purpose',
      'a test',
      '--scope',
      'github:acme/infra:contents=write',
      '--env',
    ]
    const { status, stdout, stderr } = await mayfly(args, await identity())
    expect(status).toBe(0)
    expect(stdout).toMatch(/^export MAYFLY_TASK=task_\w+ MAYFLY_TASK_TOKEN=mft_[\w-]+\n$/)
    expect(stderr).toContain('awaits   the approval of security')
  })
})

it('a task opened with --env is shown and completed in the environment that it prints', async () => {
  const opened = await mayfly([...open, '--env'], await identity())
  const [, id, token] =
    /^export MAYFLY_TASK=(task_\w+) MAYFLY_TASK_TOKEN=(mft_[\w-]+)\n$/.exec(opened.stdout) ?? []
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: id, MAYFLY_TASK_TOKEN: token }
  const minted = await broker.mint({ id, task_token: token })

  const shown = await mayfly(['task', 'show'], env)
  expect(shown.stdout).toMatch(new RegExp(`^${id} active\n`))
  expect(shown.stdout).toContain(minted.body.lease.id)
  expect(shown.stdout).not.toContain(minted.body.credential.token)

  const completed = await mayfly(['task', 'complete', '--json'], env)
  expect(completed).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(completed.stdout)).toMatchObject({
    id,
    status: 'completed',
    leases: [{ status: 'revoked', evidence: { result: 'dead' } }],
  })
  expect(await broker.use(minted.body.credential.token)).toBe(401)
})

it('a task can be named by its id and a file that holds its token', async () => {
  const { body } = await broker.open()
  const file = join(broker.directory, 'task.token')
  await writeFile(file, `${body.task_token}\n`)
  const shown = await mayfly(['task', 'show', body.id, '--task-token-file', file, '--json'], {
    MAYFLY_URL: broker.url,
  })
  expect(JSON.parse(shown.stdout)).toMatchObject({ id: body.id, status: 'active' })
})

it("another task's id is refused with what to do, without any token in it", async () => {
  const [mine, other] = [await broker.open(), await broker.open()]
  const { status, stderr } = await mayfly(['task', 'complete', other.body.id], {
    MAYFLY_URL: broker.url,
    MAYFLY_TASK_TOKEN: mine.body.task_token,
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mayfly: not_found: .+\n {2}.+\n$/)
  expect(stderr).not.toContain('mft_')
  expect((await broker.read(other.body)).body.status).toBe('active')
})

it('half a task in the environment is refused', async () => {
  const outcome = await mayfly(['task', 'show'], { MAYFLY_URL: broker.url, MAYFLY_TASK: 'task_1' })
  expect(outcome.status).toBe(1)
  expect(outcome.stderr).toContain('MAYFLY_TASK_TOKEN')
})

it('a process without any identity is told where one could come from', async () => {
  const { status, stderr } = await mayfly(open, { MAYFLY_URL: broker.url })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^mayfly: no_identity: .+\n {2}.*--token-file.*MAYFLY_TOKEN.*\n$/)
  const inJob = await mayfly([...open, '--json'], { MAYFLY_URL: broker.url, GITHUB_ACTIONS: 'true' })
  expect(JSON.parse(inJob.stderr)).toMatchObject({
    code: 'no_identity',
    remedy: expect.stringContaining('id-token: write'),
  })
})
