import { type Command, InvalidArgumentError } from 'commander'
import type { AuthorizationDetail, OpenedTask } from '../../client/client.ts'
import { findIdentity } from '../../client/identity.ts'
import { taskLines } from '../describe.ts'
import { Failure, tell } from '../failure.ts'
import {
  type BrokerOptions,
  connect,
  identityHelp,
  scopeHelp,
  seconds,
  withBroker,
  withIdentity,
} from '../options.ts'
import { answer } from '../print.ts'
import { addScope } from '../scope.ts'

interface OpenOptions extends BrokerOptions {
  purpose: string
  scope: AuthorizationDetail[]
  ttl?: number
  agent?: string
  context?: Record<string, string>
  env?: boolean
}

export function registerOpen(group: Command): void {
  withIdentity(withBroker(group.command('open')))
    .summary('open a task')
    .description(
      `Opens a task and prints what it is. Acting in it takes its token, which is only
shown on demand: with --env in a line for a shell, with --json as "task_token".`,
    )
    .requiredOption('--purpose <text>', 'what the task is for; goes on record')
    .requiredOption('--scope <scope>', 'what credentials it may ask for; may be repeated', addScope)
    .option(
      '--ttl <seconds>',
      "how long it lives at most (default: 900, or the agent's max_ttl if less)",
      seconds,
    )
    .option('--agent <name>', 'which agent to be, where the identity matches several')
    .option('--context <key=value>', 'a fact about the task, for policy; may be repeated', addContext)
    .option('--env', 'print a line that puts the task into the environment of a shell')
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Example:
  eval "$(mayfly task open --purpose 'bump a dependency' --scope github:acme/web:contents=write --env)"
  GH_TOKEN=$(mayfly token --scope github:acme/web:contents=read) gh api repos/acme/web
  mayfly task complete`,
    )
    .action(open)
}

async function open(options: OpenOptions): Promise<void> {
  const { url, tokenFile, audience = url, purpose, scope, ttl, agent, context } = options
  const identity = await findIdentity({ env: process.env, tokenFile, audience })
  const task = await connect(options).openTask(identity, {
    purpose,
    authorization_details: scope,
    ttl,
    agent,
    context,
  })
  if (options.env && !options.json) {
    answer(options, task, [environment(task)])
    // Beside the line that the shell evaluates.
    if (task.status !== 'active') tell(taskLines(task))
  } else answer(options, task, taskLines(task))
}

/** A line that a shell can evaluate, whatever the broker answers. */
function environment({ id, task_token: token }: OpenedTask): string {
  if (!/^\w+$/.test(id) || !/^[\w-]+$/.test(token))
    throw new Failure(
      'failed',
      'the answer is not fit to be evaluated by a shell',
      'Check --url (MAYFLY_URL).',
    )
  return `export MAYFLY_TASK=${id} MAYFLY_TASK_TOKEN=${token}`
}

/** For `--context`. */
export function addContext(written: string, earlier: Record<string, string> = {}): Record<string, string> {
  const at = written.indexOf('=')
  const key = written.slice(0, at)
  if (at < 1 || Object.hasOwn(earlier, key)) throw new InvalidArgumentError('It is KEY=VALUE, each key once.')
  return Object.fromEntries([...Object.entries(earlier), [key, written.slice(at + 1)]])
}
