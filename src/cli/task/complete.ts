import type { Command } from 'commander'
import { taskLines } from '../describe.ts'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type HeldOptions, heldTask, onHeldTask } from './held.ts'

export function registerComplete(group: Command): void {
  onHeldTask(group.command('complete'))
    .summary('complete a task and revoke its credentials')
    .description(
      `Ends the task. Its credentials are revoked and tried before the answer comes,
within ten seconds. A lease that was not seen dead is still "revoking", and the
broker goes on without you. A task that has ended stays as it is.`,
    )
    .action(complete)
}

async function complete(id: string | undefined, options: HeldOptions, command: Command): Promise<void> {
  const task = await connect(options).complete(await heldTask(id, options, command))
  answer(options, task, taskLines(task))
}
