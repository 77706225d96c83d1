import { expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { startMayfly } from '../support/mayfly.ts'

const broker = await sharedBroker()
const question = 'protocol=https\nhost=github.com\npath=acme/web.git\n\n'

const ask = (args: string[], env: Record<string, string>, input = question) => {
  const helper = startMayfly(['git-credential', ...args], { MAYFLY_URL: broker.url, ...env })
  // The stream stays open: the blank line is the end.
  helper.process.stdin!.write(input)
  return helper.ended
}
const inTask = async (repository = 'acme/web') => {
  const { body } = await broker.open({
    authorization_details: [
      { type: 'github', repositories: [repository], permissions: { contents: 'read' } },
    ],
  })
  return { MAYFLY_TASK: body.id as string, MAYFLY_TASK_TOKEN: body.task_token as string }
}

it('answers git on stdout, and says nothing else', async () => {
  const { status, stdout, stderr } = await ask(['get'], await inTask())
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^username=x-access-token\npassword=ghs_[\w.-]+\npassword_expiry_utc=\d+\n$/)
})

it('what is outside the scope ends git, with a line of what happened and one of what to do', async () => {
  const { status, stdout, stderr } = await ask(['get'], await inTask('acme/docs'))
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'quit=1\n' })
  expect(stderr).toMatch(/^mayfly: acme\/web is not within the scope of this task\n {2}.+--scope.+\n$/)
})

it('a task that is over ends git too', async () => {
  const task = await inTask()
  await broker.complete({ id: task.MAYFLY_TASK, task_token: task.MAYFLY_TASK_TOKEN })
  const { status, stdout, stderr } = await ask(['get'], task)
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'quit=1\n' })
  expect(stderr).toContain('task_not_active')
  expect(stderr).not.toContain('mft_')
})

it('so does the want of a task', async () => {
  const { status, stdout, stderr } = await ask(['get', '--json'], {})
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'quit=1\n' })
  expect(JSON.parse(stderr)).toMatchObject({ detail: expect.stringContaining('outside any task') })
})

it('a host that is not named is left to others, in or outside a task', async () => {
  const other = question.replace('github.com', 'gitlab.com')
  expect(await ask(['get'], {}, other)).toEqual({ status: 0, stdout: '', stderr: '' })
  // Naming one replaces the default.
  expect(await ask(['get', '--git-host', 'https://gitlab.com'], await inTask())).toMatchObject({ stdout: '' })
})

it('a host that is named gets no token that is for another', async () => {
  const other = question.replace('github.com', 'gitlab.com')
  const { status, stdout } = await ask(['get', '--git-host', 'https://gitlab.com'], await inTask(), other)
  expect({ status, stdout }).toEqual({ status: 1, stdout: 'quit=1\n' })
})

it('a host on this machine stands in for any', async () => {
  const here = question.replace('protocol=https', 'protocol=http').replace('github.com', '127.0.0.1:8080')
  expect(await ask(['get', '--git-host', 'http://127.0.0.1:8080'], await inTask(), here)).toMatchObject({
    stdout: expect.stringContaining('password=ghs_'),
  })
})

it.each(['http://github.com', 'https://github.com/acme', 'github.com', 'https://a@github.com'])(
  'a --git-host of %s is wrong usage',
  async (host) => {
    const { status, stderr } = await ask(['get', '--git-host', host], {})
    expect(status).toBe(2)
    expect(stderr).toContain('--git-host')
  },
)
