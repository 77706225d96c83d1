/** What was opened through `mayfly mcp` is used by helpers of the same user and task, and by nobody else. */
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { askServers, serveHelpers } from '../../src/client/mcp/rendezvous.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { mayfly, startMayfly } from '../support/mayfly.ts'
import { connectMcp } from './client.ts'

const broker = await sharedBroker()
const runtime = await mkdtemp(join(tmpdir(), 'mayfly-runtime-'))
await chmod(runtime, 0o700)
afterAll(() => rm(runtime, { recursive: true }))

const env = { MAYFLY_URL: broker.url, XDG_RUNTIME_DIR: runtime }
const scope = 'github:acme/web:contents=write'

async function opened() {
  const connected = await connectMcp('2026-07-28', { ...env, MAYFLY_TOKEN: await broker.workload() })
  const asked = { authorization_details: [scope], purpose: 'a test' }
  const { value } = await connected.call('request_access', asked)
  return { ...connected, task: value.task }
}

/** One question of git's. */
async function git(action: string, input: string, more: Record<string, string> = {}) {
  const helper = startMayfly(['git-credential', action], { ...env, ...more })
  helper.process.stdin!.end(`${input}\n\n`)
  return await helper.ended
}

it('a credential is minted in it, and dies with it', async () => {
  const { call, task } = await opened()
  const { status, stdout } = await mayfly(['token', '--scope', 'github:acme/web:contents=read'], env)
  expect(status).toBe(0)
  expect(await broker.use(stdout.trim())).toBe(200)
  const { value } = await call('status', { access: task.id })
  expect(value.task.leases).toMatchObject([{ status: 'active' }])
  const back = await call('give_back', { access: task.id })
  expect(back.value.task.leases).toMatchObject([{ status: 'revoked', evidence: { result: 'dead' } }])
  expect(await broker.use(stdout.trim())).toBe(401)
})

it('what it does not hold is asked for as if it were not there', async () => {
  await opened()
  const outside = await mayfly(['token', '--scope', 'github:acme/docs:contents=read'], env)
  expect(outside).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('no_identity') })
})

it('whoever runs in a task finds nothing of what was opened outside', async () => {
  await opened()
  const { body: task } = await broker.open({
    authorization_details: [
      { type: 'github', repositories: ['acme/docs'], permissions: { contents: 'read' } },
    ],
  })
  const inside = { MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  const { status, stderr } = await mayfly(['token', '--scope', 'github:acme/web:contents=read'], {
    ...env,
    ...inside,
  })
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('out_of_scope') })
})

it('the socket is in a folder of this user alone, and goes with the server', async () => {
  const { close } = await opened()
  const [folder = ''] = await readdir(join(runtime, 'mayfly'))
  const path = join(runtime, 'mayfly', folder)
  for (const each of [join(runtime, 'mayfly'), path]) expect((await stat(each)).mode & 0o777).toBe(0o700)
  await close()
  expect(await readdir(join(runtime, 'mayfly')).then((names) => names.length)).toBeLessThan(2)
})

it('a folder that others may enter is not used', async () => {
  await opened()
  const [folder = ''] = await readdir(join(runtime, 'mayfly'))
  const path = join(runtime, 'mayfly', folder)
  await chmod(path, 0o755)
  try {
    expect(await mayfly(['token', '--scope', scope], env)).toMatchObject({ status: 1, stdout: '' })
  } finally {
    await chmod(path, 0o700)
  }
})

it('all that was opened is completed when the assistant has gone', async () => {
  const { close, task } = await opened()
  await close()
  const { body } = await broker.call('GET', `/v1/admin/tasks?status=completed`, {
    token: await broker.admin(),
  })
  expect(body.items.map(({ id }: { id: string }) => id)).toContain(task.id)
})

it('git has a token for a repository of it, and outside of it is refused one', async () => {
  await opened()
  const { stdout } = await git('get', 'protocol=https\nhost=github.com\npath=acme/web.git')
  expect(stdout).toMatch(/^username=x-access-token\npassword=ghs_/)
  const outside = await git('get', 'protocol=https\nhost=github.com\npath=acme/docs.git')
  expect(outside).toMatchObject({ status: 1, stdout: 'quit=1\n' })
})

it("what a server that was killed has left is in no one's way, and is swept up", async () => {
  const meeting = { url: 'http://127.0.0.1:1', task: { id: 'task_x', token: 'mft_x' } }
  const before = await readdir(join(runtime, 'mayfly'))
  const first = await serveHelpers(meeting, env, async () => 'first')
  const after = await readdir(join(runtime, 'mayfly'))
  const folder = join(
    runtime,
    'mayfly',
    after.find((name) => !before.includes(name))!,
  )
  await writeFile(join(folder, 'dead'), '')
  await using _second = await serveHelpers(meeting, env, async () => 'second')
  expect(await readdir(folder)).not.toContain('dead')
  await first[Symbol.asyncDispose]()
  const answers = []
  for await (const answer of askServers(meeting, env, { action: 'tasks', input: '' })) answers.push(answer)
  expect(answers).toEqual(['second'])
})
