import type { Command } from 'commander'
import { taskLines } from '../describe.ts'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type HeldOptions, heldTask, onHeldTask } from './held.ts'

export function registerShow(group: Command): void {
  onHeldTask(group.command('show'))
    .summary('show a task and its leases')
    .description(
      `Shows the task and each lease under it, never a secret. An ended task can be
seen for an hour, with the evidence that its credentials are dead.`,
    )
    .action(show)
}

async function show(id: string | undefined, options: HeldOptions, command: Command): Promise<void> {
  const task = await connect(options).showTask(await heldTask(id, options, command))
  answer(options, task, taskLines(task))
}
