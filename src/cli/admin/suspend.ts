/** `admin suspend` and `admin resume`. */
import type { Command } from 'commander'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'

interface SuspendOptions extends AdminOptions {
  reason: string
}

export function registerSuspend(group: Command): void {
  register(
    group,
    'suspend',
    'stop an agent until it is resumed',
    `Refuses every request of the agent from now on, also after a restart, ends its
tasks and revokes what it holds. Needs the right "suspend".`,
  )
  register(
    group,
    'resume',
    'let a suspended agent go on',
    `Lets the agent open tasks again; those that were ended stay so. Nobody resumes
an agent they own. Needs the right "suspend".`,
  )
}

function register(group: Command, verb: 'suspend' | 'resume', summary: string, description: string): void {
  withAdmin(group.command(verb))
    .summary(summary)
    .description(description)
    .argument('<agent>', 'its name')
    .requiredOption('--reason <text>', 'why; goes on record')
    .action(async (name: string, options: SuspendOptions) => {
      const agent = await connect(options)[verb](await adminToken(options), name, options.reason)
      answer(options, agent, [
        `${agent.name} is ${agent.status}: ${agent.open_tasks} open tasks, ${agent.live_leases} leases not over`,
      ])
    })
}
