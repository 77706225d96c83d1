import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AuthorizationDetail, Client, MintedCredential, TaskAccess } from '../client/client.ts'
import { type Format, formatNames, inFormat } from '../client/formats.ts'
import { openedFor } from '../client/mcp/helpers.ts'
import { askForKept } from '../client/run/git-socket.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { Failure, tell } from './failure.ts'
import {
  type BrokerOptions,
  connect,
  identityHelp,
  seconds,
  withBroker,
  withIdentity,
  workloadIdentity,
} from './options.ts'
import { answer } from './print.ts'
import { parseScope, scopeHelp } from './scope.ts'

interface TokenOptions extends BrokerOptions {
  scope: AuthorizationDetail
  purpose: string
  ttl?: number
  agent?: string
  format: Format
}

export function register(program: Command): void {
  withIdentity(withBroker(program.command('token')))
    .summary('print one credential')
    .description(
      `Mints one credential and prints its secret, and nothing else, on stdout.

Inside a task (MAYFLY_TASK and MAYFLY_TASK_TOKEN) it is minted in that task and
dies with it, or in what was granted beside it through \`mayfly mcp\`; --purpose,
--ttl and --agent do not apply there. \`mayfly run\` keeps one for each scope,
and this prints that: near its end another follows, and it is given back, so
that a tool asks again for each use.
Outside, this opens a task of its own for it. Nobody completes that task: it
lives until its ttl is over, and the credential as long. So give a --ttl, or
open a task first and complete it.

With --json the answer is { "lease", "credential" }, with the deadline. Formats
for tools that run a command to get their credential:
  raw      the secret alone
  json     { "version": 1, "token", "expires_at" }
  exec     an ExecCredential for kubectl and the like
  aws      what \`credential_process\` of an AWS profile is to print
  git      what a credential helper of git's is to print
  headers  { "Authorization": "Bearer …" }
No expiry in them is later than the task's.`,
    )
    .requiredOption('--scope <scope>', 'what the credential is for', oneScope)
    .option('--purpose <text>', 'what a task of its own is for; goes on record', 'mayfly token')
    .option(
      '--ttl <seconds>',
      "how long a task of its own lives (default: 900, or the agent's max_ttl if less)",
      seconds,
    )
    .addOption(
      new Option('--format <format>', 'how to print it')
        .choices(formatNames)
        .default('raw')
        .conflicts('json'),
    )
    .option('--agent <name>', 'which agent to act as, where the identity matches several')
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Examples:
  GH_TOKEN=$(mayfly token --scope github:acme/web:contents=read --ttl 60) gh api repos/acme/web
  credential_process = mayfly token --scope aws:arn:aws:iam::123456789012:role/deployer --format aws`,
    )
    .action(token)
}

async function token(options: TokenOptions): Promise<void> {
  const client = connect(options)
  const around = taskFromEnvironment(process.env)
  const opened = await openedFor({ url: options.url, task: around }, process.env, options.scope)
  const within = opened ?? around
  const task = within ?? (await openTask(client, options))
  const { minted, lines } = await mint(client, task, options).catch(async (error: unknown) => {
    // What nobody gets needs no task. That it ends is tried, the first failure is what counts.
    if (!within) await client.complete(task).catch(() => undefined)
    throw error
  })
  if (within && options.ttl !== undefined)
    tell([`--ttl does not apply inside a task: the credential lives until ${minted.lease.deadline}`])
  answer(options, minted, lines)
}

/** The credential, of the run where this is part of one, and without `--json` what to print. One minted for nothing is given back. */
async function mint(client: Client, task: TaskAccess, { scope, json, format }: TokenOptions) {
  const kept = await askForKept(process.env, task, scope)
  if (kept) {
    const { until: _, ...minted } = kept
    return { minted, lines: json ? [] : linesOf(kept, format) }
  }
  const minted = await client.credential(task, scope)
  try {
    return { minted, lines: json ? [] : linesOf(minted, format) }
  } catch (error) {
    await client.giveBack(task, minted.lease.id).catch(() => undefined)
    throw error
  }
}

async function openTask(client: Client, options: TokenOptions): Promise<TaskAccess> {
  const { scope, purpose, ttl, agent } = options
  const identity = await workloadIdentity(options)
  const request = { purpose, authorization_details: [scope], ttl, agent }
  const { id, task_token, status, approvals } = await client.openTask(identity, request)
  const task = { id, token: task_token }
  if (status === 'active') return task
  // Its token ends with this process: approved later, the task would serve nobody.
  await client.complete(task)
  throw new Failure(
    'failed',
    `this needs the approval of ${approvals.map(({ group }) => group).join(', ')}`,
    'Open a task with `mayfly task open --env`, have it approved, and run this inside it.',
  )
}

/** @throws Failure for a credential that is none of the format's. */
function linesOf(minted: MintedCredential, format: Format): string[] {
  const written = inFormat(format, minted)
  if (written !== undefined) return written.split('\n')
  const parts = Object.keys(minted.credential).join(', ')
  throw format === 'raw'
    ? new Failure(
        'failed',
        `this credential has several parts: ${parts}`,
        `Ask for it with --json${'access_key_id' in minted.credential ? ', or --format aws' : ''}.`,
      )
    : new Failure(
        'failed',
        `a ${minted.lease.provider} credential (${parts}) has no ${format} format`,
        'Ask for it with --json.',
      )
}

function oneScope(written: string, earlier?: AuthorizationDetail): AuthorizationDetail {
  if (earlier) throw new InvalidArgumentError('One credential has one scope.')
  return parseScope(written)
}
