/** The MCP server of the plugin in examples/claude-code is in the session's task, and so what is granted is there for Bash. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { toolCalls } from '../mcp/client.ts'
import { plugin, pluginFor } from '../support/claude-code.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const { session, surroundings, home, folder } = pluginFor(broker)

test('it waits for the session to have a task, and what is asked for there Bash can use', async () => {
  const { command, args } = JSON.parse(readFileSync(join(plugin, '.mcp.json'), 'utf8')).mcpServers.mayfly
  const claude = session('asks')
  const client = new Client({ name: 'test', version: '1' })
  onTestFinished(() => client.close())
  const server = new StdioClientTransport({
    command,
    args: args.map((word: string) => word.replace('${CLAUDE_PLUGIN_ROOT}', plugin)),
    env: { ...surroundings, XDG_RUNTIME_DIR: home },
    stderr: 'ignore',
  })
  const connected = client.connect(server)
  await claude.hook('SessionStart', { source: 'startup' })
  await connected
  const { id, token } = JSON.parse(readFileSync(join(folder, 'asks.json'), 'utf8'))
  const call = toolCalls(client)
  expect((await call('status')).value.task.id).toBe(id)
  const wanted = 'github:acme/docs:contents=read'
  expect((await call('request_access', { authorization_details: [wanted], purpose: 'a test' })).refused).toBe(
    false,
  )

  const inBash = { MAYFLY_URL: broker.url, MAYFLY_TASK: id, MAYFLY_TASK_TOKEN: token, XDG_RUNTIME_DIR: home }
  const { status, stdout } = await mayfly(['token', '--scope', wanted], inBash)
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^ghs_/) })
  expect((await claude.hook('SessionEnd', { reason: 'prompt_input_exit' })).status).toBe(0)
})
