/** `mayfly mcp`: the MCP server through which a model asks what it may do, and for more. */
import { once } from 'node:events'
import type { Command } from 'commander'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import manifest from '../../package.json' with { type: 'json' }
import { redact } from '../broker/logger.ts'
import { Accesses } from '../client/mcp/accesses.ts'
import { helperAnswers } from '../client/mcp/helpers.ts'
import { serveHelpers } from '../client/mcp/rendezvous.ts'
import { createServer } from '../client/mcp/server.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { tell } from './failure.ts'
import {
  type BrokerOptions,
  connect,
  identityHelp,
  withBroker,
  withIdentity,
  workloadIdentity,
} from './options.ts'
import { parseScope, scopeHelp } from './scope.ts'

export function register(program: Command): void {
  withIdentity(withBroker(program.command('mcp')))
    .summary('serve MCP to an assistant, on stdin and stdout')
    .description(
      `Serves the Model Context Protocol (2026-07-28, and 2025-11-25 for older
clients) with the tools what_may_i_do, request_access, status, give_back and
complete_task. A model can ask with them what it may do and for more, and wait
until somebody approves it; it never gets to see a credential.

Inside a task (MAYFLY_TASK and MAYFLY_TASK_TOKEN) what it asks for is a child of
that task; outside, a task of its own, opened with this workload's identity.
\`mayfly git-credential\` and \`mayfly token\` of the same task and user find what
was opened here. All of it is completed when stdin ends.`,
    )
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Example, in the .mcp.json of a project whose assistant runs under \`mayfly run\`:
  { "mcpServers": { "mayfly": { "command": "mayfly", "args": ["mcp"] } } }`,
    )
    .action(mcp)
}

async function mcp(options: BrokerOptions): Promise<void> {
  const { env } = process
  const client = connect(options)
  const task = taskFromEnvironment(env)
  const token = async () => task?.token ?? (await workloadIdentity(options))
  await using accesses = new Accesses({ client, token })
  await using _helpers = await serveHelpers({ url: options.url, task }, env, helperAnswers(client, accesses))
  const session = { client, task, token, accesses, parseScope, redact, version: manifest.version }
  const over = Promise.race([
    once(process.stdin, 'close'),
    ...(['SIGTERM', 'SIGINT', 'SIGHUP'] as const).map((signal) => once(process, signal)),
  ])
  const server = serveStdio(() => createServer(session), {
    onerror: (error) => tell([`mayfly: ${error.message}`]),
  })
  await over
  await server.close()
}
