import { expect, it } from 'vitest'
import { everyUpstream, permissive } from '../support/every-upstream.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { mayfly } from '../support/mayfly.ts'

const broker = await sharedBroker({ settings: everyUpstream, files: permissive })
const scope = 'vault:database/creds/readonly'

it('a credential of several parts needs --json, and without it none is left alive', async () => {
  const { status, stdout, stderr } = await mayfly(['token', '--scope', scope], {
    MAYFLY_URL: broker.url,
    MAYFLY_TOKEN: await broker.workload(),
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^mayfly: this credential has several parts.+\n {2}.+--json.+\n$/)
  const list = await broker.call('GET', '/v1/admin/tasks', { token: await broker.admin() })
  expect(list.body.items).toMatchObject([{ status: 'completed', leases: [{ status: 'revoked' }] }])
})

it('nor inside a task, which goes on', async () => {
  const { body: task } = await broker.open({
    authorization_details: [{ type: 'vault', path: 'database/creds/readonly' }],
  })
  const env = { MAYFLY_URL: broker.url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.task_token }
  expect(await mayfly(['token', '--scope', scope], env)).toMatchObject({ status: 1, stdout: '' })
  const { status, stdout } = await mayfly(['token', '--scope', scope, '--json'], env)
  expect({ status, ...JSON.parse(stdout).credential }).toMatchObject({ status: 0, data: expect.anything() })
  const { body } = await broker.read(task)
  expect(body.leases.map((lease: { status: string }) => lease.status)).toEqual(['revoked', 'active'])
})
