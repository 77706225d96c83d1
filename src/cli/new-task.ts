/** What opening a task takes. Apart from the other options: reading a scope loads every provider. */
import type { Command } from 'commander'
import type { AuthorizationDetail, OpenTask } from '../client/client.ts'
import { addContext, type BrokerOptions, seconds } from './options.ts'
import { addScope } from './scope.ts'

export interface NewTaskOptions extends BrokerOptions {
  purpose: string
  scope: AuthorizationDetail[]
  /** Seconds. */
  ttl?: number
  agent?: string
  context?: Record<string, string>
}

/** `--purpose`, `--scope`, `--ttl`, `--agent`, `--context`. */
export function withNewTask(command: Command): Command {
  return command
    .requiredOption('--purpose <text>', 'what the task is for; goes on record')
    .requiredOption('--scope <scope>', 'what credentials it may ask for; may be repeated', addScope)
    .option(
      '--ttl <seconds>',
      "how long it lives at most (default: 900, or the agent's max_ttl if less)",
      seconds,
    )
    .option(
      '--agent <name>',
      'which agent to act as, where the identity matches several; in a task, whom it is for',
    )
    .option('--context <key=value>', 'a fact about the task, for policy; may be repeated', addContext)
}

/** The task that the options ask for. */
export function newTask({ purpose, scope, ttl, agent, context }: NewTaskOptions): OpenTask {
  return { purpose, authorization_details: scope, ttl, agent, context }
}
