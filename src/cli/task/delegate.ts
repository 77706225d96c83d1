import type { Command } from 'commander'
import type { AuthorizationDetail } from '../../client/client.ts'
import { connect, seconds } from '../options.ts'
import { answer } from '../print.ts'
import { addScope, scopeHelp } from '../scope.ts'
import { type HeldOptions, heldTask, onHeldTask } from './held.ts'

interface DelegateOptions extends HeldOptions {
  agent: string
  scope: AuthorizationDetail[]
  ttl?: number
}

export function registerDelegate(group: Command): void {
  onHeldTask(group.command('delegate'))
    .summary('hand a part of a task on to another agent')
    .description(
      `Prints a token with which that agent, and nobody else, opens one task within 300
seconds, under its own identity: \`mayfly task open --delegation-file FILE\`. That
task ends with this one.`,
    )
    .requiredOption('--agent <name>', 'whom it is for')
    .requiredOption('--scope <scope>', 'what is handed on; may be repeated', addScope)
    .option('--ttl <seconds>', 'how long that task lives at most', seconds)
    .addHelpText('after', scopeHelp)
    .action(delegate)
}

async function delegate(id: string | undefined, options: DelegateOptions, command: Command): Promise<void> {
  const { agent, scope, ttl } = options
  const asked = { agent, authorization_details: scope, ...(ttl !== undefined && { ttl }) }
  const made = await connect(options).delegate(await heldTask(id, options, command), asked)
  answer(options, made, [made.delegation])
}
