/** `mayfly task open` inside a task, and what one hands on to another agent. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ files: agentFiles('helper') })
const scope = ['--purpose', 'a part', '--scope', 'github:acme/web:contents=read', '--json']

async function inTask() {
  const { body: task } = await broker.open()
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  return { task, env }
}

it('opened inside a task it is a child of that, and needs no identity', async () => {
  const { task, env } = await inTask()
  const { stdout, status } = await mayfly(['task', 'open', ...scope], env)
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ parent: task.id, depth: 1, agent: 'refactor-bot' })
  const other = await mayfly(['task', 'open', ...scope, '--agent', 'helper'], env)
  expect(JSON.parse(other.stdout)).toMatchObject({ parent: task.id, agent: 'helper' })
})

it('with an identity that is named it is a task of its own', async () => {
  const { env } = await inTask()
  const file = join(broker.directory, 'identity')
  await writeFile(file, await broker.workload())
  const { stdout } = await mayfly(['task', 'open', ...scope, '--token-file', file], env)
  expect(JSON.parse(stdout)).toMatchObject({ parent: null })
})

it('what was delegated is opened under the identity of the other agent', async () => {
  const { task, env } = await inTask()
  const delegate = ['task', 'delegate', '--agent', 'helper', '--scope', 'github:acme/web:contents=read']
  const { stdout: token, status } = await mayfly(delegate, env)
  expect({ status, token }).toEqual({ status: 0, token: expect.stringMatching(/^mfd_[\w-]{43}\n$/) })
  const file = join(broker.directory, 'delegation')
  await writeFile(file, token)
  const identity = await broker.workload({ sub: subjectOf('helper'), repository_id: '9' })
  const theirs = { MAYFLY_URL: broker.url, MAYFLY_TOKEN: identity }
  const opened = await mayfly(['task', 'open', ...scope, '--delegation-file', file], theirs)
  expect(JSON.parse(opened.stdout)).toMatchObject({ parent: task.id, agent: 'helper' })
})

it('a heartbeat with another context than the task was opened with is its end', async () => {
  const { body: task } = await broker.open({ context: { model: 'm' } })
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  const same = await mayfly(['task', 'heartbeat', '--context', 'model=m'], env)
  expect(same).toMatchObject({ status: 0, stdout: expect.stringContaining('active') })
  const other = await mayfly(['task', 'heartbeat', '--context', 'model=n'], env)
  expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining('context.model') })
})
