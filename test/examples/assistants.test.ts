/** The examples of assistants: each read as its tool reads it, and done with what a session in a task has. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { toolCalls } from '../mcp/client.ts'
import { job } from '../support/actions-runner.ts'
import { cliMain } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const text = (path: string) => readFileSync(join(examples, path), 'utf8')

interface ServerEntry {
  command: string
  args: string[]
  env: Record<string, string>
}

/** What the tool starts in a session whose environment this is. */
const servers: Record<string, (session: Record<string, string>) => ServerEntry> = {
  codex(session) {
    // Its arrays of strings are JSON's.
    const value = (name: string) =>
      JSON.parse(new RegExp(`^${name} = (.*)$`, 'm').exec(text('codex/.codex/config.toml'))![1]!)
    const handedOn = value('env_vars') as string[]
    return {
      command: value('command') as string,
      args: value('args') as string[],
      env: Object.fromEntries(handedOn.flatMap((name) => (session[name] ? [[name, session[name]]] : []))),
    }
  },
  gemini(session) {
    const { command, args, env } = JSON.parse(text('gemini/.gemini/settings.json')).mcpServers.mayfly
    const expanded = Object.entries(env as Record<string, string>).map(([name, written]) => [
      name,
      written.replace(/^\$(\w+)$/, (_all, variable: string) => session[variable] ?? ''),
    ])
    return { command, args, env: Object.fromEntries(expanded) }
  },
  openhands(session) {
    const { command, args, env } = JSON.parse(text('openhands/.openhands/mcp.json')).mcpServers.mayfly
    const expanded = Object.entries(env as Record<string, string>).map(([name, written]) => [
      name,
      written.replaceAll(/\$\{(\w+)\}/g, (whole, variable: string) => session[variable] ?? whole),
    ])
    return { command, args, env: Object.fromEntries(expanded) }
  },
}

test.each(Object.entries(servers))('%s starts the server in the task of the session', async (_name, read) => {
  const { id, task_token: token } = (await broker.open()).body
  const { command, args, env } = read({
    MAYFLY_URL: broker.url,
    MAYFLY_TASK: id,
    MAYFLY_TASK_TOKEN: token,
    OTHER: 'not handed on',
  })
  expect(command).toBe('mayfly')
  const client = new Client({ name: 'test', version: '1' })
  onTestFinished(() => client.close())
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [cliMain, ...args], env, stderr: 'ignore' }),
  )
  expect((await toolCalls(client)('status')).value.task.id).toBe(id)
})

test("Copilot's setup steps have a token for as long as they run", async () => {
  const { jobs } = parse(text('copilot/.github/workflows/copilot-setup-steps.yml'))
  const { environment, permissions, steps } = jobs['copilot-setup-steps']
  expect(environment).toBe('copilot')
  expect(permissions['id-token']).toBe('write')
  const step = steps.find(({ uses = '' }: { uses?: string }) => uses.endsWith('/action@v1'))
  const cloned = steps.at(-1)
  expect(cloned.env.TOKEN).toBe(`\${{ steps.${step.id}.outputs.token }}`)
  const runner = await job(broker)
  const scope = step.with.scope.replace('acme/schemas', 'acme/web')
  expect((await runner.main({ ...step.with, url: broker.url, scope }).ended).status).toBe(0)
  expect(runner.outputs()['token']).toMatch(/^ghs_/)
  expect((await runner.post()).status).toBe(0)
  expect(broker.sandbox.ledger.alive()).toEqual([])
})
