/** An MCP client waits two seconds for its server, and then kills it. */
import { expect, it } from 'vitest'
import { startMayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

it('the server ends with its input, and waits for nothing that is not there', async () => {
  const { id, task_token } = (await broker.open()).body
  const server = startMayfly(['mcp'], {
    MAYFLY_URL: broker.url,
    MAYFLY_TASK: id,
    MAYFLY_TASK_TOKEN: task_token,
  })
  const began = Date.now()
  server.process.stdin!.end()
  expect(await server.ended).toEqual({ status: 0, stdout: '', stderr: '' })
  // It would be ten: what completing may take.
  expect(Date.now() - began).toBeLessThan(8_000)
})
