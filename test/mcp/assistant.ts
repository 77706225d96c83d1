/**
 * An assistant at work, as a script: what a model would call, in the order in which it would. It runs
 * under `mayfly run`, and prints its transcript, a line of JSON for each step.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const [version = '', remote = '', home = ''] = process.argv.slice(2)
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

function tell(step: string, said: unknown): void {
  process.stdout.write(`${JSON.stringify({ step, said })}\n`)
}

async function shell(step: string, command: string, ...args: string[]): Promise<void> {
  const { stdout, stderr } = await promisify(execFile)(command, args, { cwd: home }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  tell(step, { stdout, stderr })
}

const transport = new StdioClientTransport({
  command: process.execPath,
  args: [main, 'mcp'],
  env: process.env as Record<string, string>,
  stderr: 'inherit',
})
const client = new Client(
  { name: 'assistant', version: '1' },
  { versionNegotiation: { mode: version === '2025-11-25' ? 'legacy' : { pin: version } } },
)
await client.connect(transport)
const call = async (name: string, args: Record<string, unknown> = {}) => {
  const answer = await client.callTool({ name, arguments: args })
  tell(name, answer)
  return answer.structuredContent as { task: { id: string } }
}

const infra = ['github:acme/infra:contents=write']
const push = ['push', '-q', `${remote}/acme/infra.git`, 'HEAD:refs/heads/topic']

tell('instructions', client.getInstructions())
await shell('clone', 'git', 'clone', '-q', `${remote}/acme/web.git`, 'work')
await shell('refused', 'git', '-C', 'work', ...push)
await shell('refused token', process.execPath, main, 'token', '--scope', infra[0]!)
await call('what_may_i_do', { authorization_details: infra, purpose: 'publish the change' })
const { task } = await call('request_access', { authorization_details: infra, purpose: 'publish the change' })
await call('status')
await shell('pushed', 'git', '-C', 'work', ...push)
await call('give_back', { access: task.id })
await shell('refused again', 'git', '-C', 'work', ...push)
await call('complete_task')
await shell('refused for good', 'git', 'ls-remote', `${remote}/acme/web.git`)
await client.close()
