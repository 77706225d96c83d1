/** A run inside a task is a child of it. */
import { expect, it } from 'vitest'
import { sharedBroker } from '../support/shared-broker.ts'
import { mayfly } from '../support/mayfly.ts'

const broker = await sharedBroker()

it('run', async () => {
  const { body: task } = await broker.open()
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  const scope = ['--purpose', 'a part of it', '--scope', 'github:acme/docs:contents=read']
  const show = [process.execPath, '-e', 'console.log(process.env.MAYFLY_TASK)']
  const { status, stdout, stderr } = await mayfly(['run', ...scope, '--', ...show], env)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const { body } = await broker.call('GET', '/v1/admin/tasks?status=completed', {
    token: await broker.admin(),
  })
  expect(body.items).toContainEqual(
    expect.objectContaining({ id: stdout.trim(), parent: task.id, end_reason: 'completed' }),
  )
})
